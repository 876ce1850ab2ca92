-- `ready -> intent`. Only the call that makes this transition may POST. Its nonce is used up whatever the answer, so that a late
-- second copy of the call begins nothing.
create function ledger.begin_submit(the_attempt bigint, the_fence bigint, the_nonce text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  at timestamptz;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  at := clock_timestamp();
  because := coalesce(attempt_refusal(attempt, hold, 'ready', the_fence), submit_refusal(attempt, at));
  insert into submit_nonces (nonce, attempt_id) values (the_nonce, case when because is null then the_attempt end)
  on conflict (nonce) do nothing;
  if not found then because := coalesce(because, 'the nonce was used before'); end if;
  if because is null then
    update attempts set state = 'intent', submit_nonce = the_nonce, failure_class = null, failure_message = null
    where attempt_id = the_attempt;
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.begin_submit to runner, controller;
