-- The prompt is stored before it is sent; the first one counts.
create function ledger.record_prompt(the_attempt bigint, the_fence bigint, the_prompt text, source text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  because := attempt_refusal(attempt, hold, 'ready', the_fence);
  if because is null then
    update attempts set prompt = the_prompt, prompt_source = source where attempt_id = the_attempt and prompt is null;
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.record_prompt to runner, controller;
