-- One admission at a time, so that two never count the same free slot.
create function ledger.lock_admission() returns void
language sql set search_path = ledger, pg_temp as $$
  select pg_advisory_xact_lock(hashtext('neurocards admission'))
$$;
