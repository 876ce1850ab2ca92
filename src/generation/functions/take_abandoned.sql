-- Leases abandoned tasks that are due for a look: for 24 h, ever more slowly.
create function ledger.take_abandoned(owner text, number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  taken jsonb;
begin
  update attempts set followed = 'gave-up', follow_due_at = null
  where attempt_id in (
    select attempt_id from attempts where state = 'abandoned' and followed is null and follow_until <= at for no key update skip locked);
  with due as (
    select attempt_id from attempts
    where state = 'abandoned' and followed is null and task_id is not null and follow_due_at <= at
      and (lease_until is null or lease_until <= at)
    order by follow_due_at limit number for no key update skip locked
  ), leased as (
    update attempts set fence = fence + 1, lease_owner = owner, lease_until = at + interval '60 seconds'
    from due where attempts.attempt_id = due.attempt_id returning attempts.*
  )
  select jsonb_agg(jsonb_build_object('attemptId', attempt_id, 'orderId', order_id, 'taskId', task_id, 'fence', fence,
    'provider', provider)) into taken
  from leased join orders using (order_id);
  return coalesce(taken, '[]');
end $$;
grant execute on function ledger.take_abandoned to controller;
