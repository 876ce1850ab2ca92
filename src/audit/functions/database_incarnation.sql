-- This very database in this run of the server: another one after every restart, failover and restore.
create function ledger.database_incarnation() returns text
language sql stable set search_path = ledger, pg_temp as $$
  select oid || '/' || extract(epoch from pg_postmaster_start_time()) from pg_catalog.pg_database where datname = current_database()
$$;
