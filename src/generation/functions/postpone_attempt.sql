-- Ours or the provider's trouble before anything was sent: still `ready`, but not before so many seconds.
create function ledger.postpone_attempt(the_attempt bigint, the_fence bigint, failure text, seconds double precision) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  because := attempt_refusal(attempt, hold, 'ready', the_fence);
  if because is null then
    update attempts set failure_class = failure, not_before = clock_timestamp() + make_interval(secs => greatest(0, least(seconds, 86400)))
    where attempt_id = the_attempt;
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.postpone_attempt to runner, controller;
