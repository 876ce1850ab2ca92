create function ledger.renew_attempt(the_attempt bigint, the_fence bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  held boolean;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  held := coalesce(hold.state = 'held' and attempt.fence = the_fence, false);
  -- An intent that has run out is its maker's no more, even if nobody took it yet.
  if held and attempt.state = 'intent' and attempt.lease_until <= clock_timestamp() then
    update attempts set state = 'unknown' where attempt_id = the_attempt returning * into attempt;
  end if;
  if held then
    update attempts set lease_until = clock_timestamp() + interval '60 seconds' where attempt_id = the_attempt;
  end if;
  return jsonb_build_object('held', held, 'state', coalesce(attempt.state, 'none'));
end $$;
grant execute on function ledger.renew_attempt to runner, controller;
