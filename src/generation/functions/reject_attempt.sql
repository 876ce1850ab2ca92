-- A verdict before anything was sent: `ready -> rejected`.
create function ledger.reject_attempt(the_attempt bigint, the_fence bigint, failure text, message text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  select ledger.end_attempt(the_attempt, the_fence, 'ready', 'rejected', failure, message)
$$;
grant execute on function ledger.reject_attempt to runner, controller;
