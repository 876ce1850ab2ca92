-- The tasks that the object tells of: every one but the newest failed for certain, or there would be none after it. The newest is the
-- named task, or one of which nobody knows whether it runs.
create function ledger.catch_up_attempts(the_order text, shown jsonb) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  attempt attempts;
  number integer := greatest((shown ->> 'attempts')::integer, 1);
  -- Known already: then the newest task has no name.
  task text := (select shown ->> 'taskId' where not exists (select from attempts where task_id = shown ->> 'taskId'));
begin
  -- A stored video is the end of it.
  if exists (select from deliveries where order_id = the_order) then return; end if;
  update orders set admitted_at = at where order_id = the_order and admitted_at is null;
  loop
    select * into attempt from attempts where order_id = the_order order by n desc limit 1;
    exit when attempt.n >= number and attempt.state not in ('failed', 'rejected');
    exit when attempt.n >= number and task is null;
    if attempt.state = 'accepted' then
      update attempts set state = 'failed', ended_at = at, failure_class = 'provider-internal' where attempt_id = attempt.attempt_id;
    elsif attempt.state in ('ready', 'intent', 'unknown') then
      update submit_nonces set answer = 'refused', answered_at = at where nonce = attempt.submit_nonce;
      update attempts set state = 'rejected', ended_at = at where attempt_id = attempt.attempt_id;
    end if;
    insert into attempts (order_id, n) values (the_order, coalesce(attempt.n, 0) + 1);
  end loop;
  if attempt.state = 'ready' then
    insert into submit_nonces (nonce, attempt_id) values (format('rebuilt:%s:%s', the_order, attempt.n), attempt.attempt_id);
    update attempts set state = 'intent', submit_nonce = format('rebuilt:%s:%s', the_order, attempt.n), failure_class = null, failure_message = null
    where attempt_id = attempt.attempt_id returning * into attempt;
  end if;
  if attempt.state in ('intent', 'unknown') and task is not null then
    update submit_nonces set answer = 'accepted', answered_at = at, task_id = task where nonce = attempt.submit_nonce;
    update attempts set state = 'accepted', accepted_at = at, task_id = task where attempt_id = attempt.attempt_id;
  elsif attempt.state = 'intent' then
    update attempts set state = 'unknown' where attempt_id = attempt.attempt_id;
  end if;
end $$;
