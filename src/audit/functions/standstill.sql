-- Why nothing new may begin at this moment, or null: audit mode, or a start of the server that no controller has compared with its
-- memory yet. Before the first controller there is nothing to compare.
create function ledger.standstill() returns text
language sql stable set search_path = ledger, pg_temp as $$
  select case when state = 'audit' then 'audit' when incarnation <> database_incarnation() then 'restarted' end from restore_marks
$$;
