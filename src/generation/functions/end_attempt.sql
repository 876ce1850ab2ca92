-- A verdict of the lease's holder: the state it ends, and why.
create function ledger.end_attempt(the_attempt bigint, the_fence bigint, expected text, ending text, failure text, message text)
returns jsonb
language plpgsql set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  -- Said twice by the same holder, because the first answer was lost.
  if attempt.state = ending and attempt.fence = the_fence and attempt.failure_class = failure then return done_json(null); end if;
  because := attempt_refusal(attempt, hold, expected, the_fence);
  if because is null then
    update attempts set state = ending, ended_at = clock_timestamp(), failure_class = failure, failure_message = left(message, 500)
    where attempt_id = the_attempt;
  end if;
  return done_json(because);
end $$;
