create function ledger.free_slots() returns bigint
language sql stable set search_path = ledger, pg_temp as $$
  select live_attempt_limit - (select count(*) from running_orders()) from settings
$$;
