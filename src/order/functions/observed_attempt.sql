create function ledger.observed_attempt(attempt ledger.attempts, at timestamptz) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select case when attempt.attempt_id is not null then jsonb_build_object(
    'n', attempt.n, 'state', attempt.state, 'notBefore', attempt.not_before, 'leaseUntil', attempt.lease_until,
    'taskId', attempt.task_id, 'failureClass', attempt.failure_class, 'failureMessage', attempt.failure_message,
    'anotherAllowed', coalesce(another_allowed(attempt.attempt_id, at), false),
    'leasedExecutions', (
      select count(*) from executions
      where executions.order_id = attempt.order_id and stage = 'generation' and attempt_n = attempt.n and leased_at is not null)) end
$$;
