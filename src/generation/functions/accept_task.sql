-- The task is known: `intent` or `unknown` becomes `accepted`; an abandoned attempt only learns the id, and is followed.
create function ledger.accept_task(attempt ledger.attempts, the_nonce text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  task text := (select task_id from submit_nonces where nonce = the_nonce);
begin
  if attempt.state = 'abandoned' then
    update attempts set task_id = task, follow_due_at = clock_timestamp()
    where attempt_id = attempt.attempt_id and task_id is null;
  elsif attempt.state in ('intent', 'unknown') then
    update attempts set state = 'accepted', task_id = task, accepted_at = clock_timestamp() where attempt_id = attempt.attempt_id;
    perform write_progress(attempt.order_id, 'generating');
  end if;
end $$;
