-- Surely no task: `ready` again, not before the time the provider asked for, or `rejected` by its verdict.
create function ledger.refuse_submit(attempt ledger.attempts, answer jsonb) returns void
language plpgsql set search_path = ledger, pg_temp as $$
begin
  -- A callback that named the task is stronger than a refusal, which must then have been of something else.
  if not exists (select from submit_nonces where nonce = attempt.submit_nonce and submit_nonces.answer = 'refused') then return; end if;
  if attempt.state = 'abandoned' then
    update attempts set followed = 'no-task', follow_due_at = null where attempt_id = attempt.attempt_id and followed is null;
  elsif attempt.state in ('intent', 'unknown') and (answer -> 'resubmit')::boolean then
    update attempts set state = 'ready', submit_nonce = null, failure_class = answer ->> 'failureClass',
      failure_message = left(answer ->> 'message', 500),
      not_before = clock_timestamp() + make_interval(secs => greatest(0, least((answer ->> 'retryAfterSeconds')::double precision, 86400)))
    where attempt_id = attempt.attempt_id;
  elsif attempt.state in ('intent', 'unknown') then
    update attempts set state = 'rejected', ended_at = clock_timestamp(), failure_class = answer ->> 'failureClass',
      failure_message = left(answer ->> 'message', 500)
    where attempt_id = attempt.attempt_id;
  end if;
end $$;
