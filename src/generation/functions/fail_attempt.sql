-- The provider confirmed that no video comes of this task: `accepted -> failed`.
create function ledger.fail_attempt(the_attempt bigint, the_fence bigint, failure text, message text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  select ledger.end_attempt(the_attempt, the_fence, 'accepted', 'failed', failure, message)
$$;
grant execute on function ledger.fail_attempt to runner, controller;
