create function ledger.record_provider_state(the_attempt bigint, the_fence bigint, seen text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  because := attempt_refusal(attempt, hold, 'accepted', the_fence);
  if because is null and attempt.provider_state is distinct from seen then
    update attempts set provider_state = seen where attempt_id = the_attempt;
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.record_provider_state to runner, controller;
