-- What the auditor compares with the VideoJobs: every open order, and whatever is known of the orders that objects name.
create function ledger.audit_orders(named jsonb) returns jsonb
language sql volatile security definer set search_path = ledger, pg_temp as $$
  with wanted as (
    select order_id from holds where state = 'held' union select jsonb_array_elements_text(named)
  ), bugs as materialized (
    select * from violations
  ), bug_names as (
    select unnest(array['balance', 'settled_once', 'paid_tasks', 'captured_not_kept', 'released_but_shown', 'debt', 'payments', 'grants'])
      as invariant
  )
  select jsonb_build_object(
    'orders', coalesce((
      select jsonb_agg(jsonb_build_object(
        'orderId', order_id, 'userId', holds.user_id, 'state', holds.state, 'reason', holds.reason,
        'settledSeconds', age_seconds(settled_at), 'placedSeconds', age_seconds(placed_at),
        'claimedBy', case when not awaits_object(order_id) then claimed_by end,
        'specHash', spec_hash, 'admitted', admitted_at is not null,
        'attempts', (select count(*) from attempts where attempts.order_id = orders.order_id),
        'newest', (select state from attempts where attempts.order_id = orders.order_id order by n desc limit 1),
        'executions', (select count(*) from executions where executions.order_id = orders.order_id and stage = 'generation'),
        'tasks', (select coalesce(jsonb_agg(task_id), '[]') from (
          select task_id from attempts where attempts.order_id = orders.order_id and task_id is not null
          union select submit_nonces.task_id from submit_nonces join attempts using (attempt_id)
          where attempts.order_id = orders.order_id and submit_nonces.task_id is not null) as known)))
      from wanted join orders using (order_id) join holds using (order_id)), '[]'),
    'lost', (select coalesce(jsonb_agg(order_id), '[]') from wanted join lost_orders using (order_id)),
    'unsettled', (
      select coalesce(jsonb_agg(jsonb_build_object('cause', reason, 'count', number, 'oldestSeconds', oldest)), '[]')
      from (
        select due.reason, count(*) as number, max(age_seconds(due.since)) as oldest
        from holds cross join lateral due_end(order_id, clock_timestamp()) as due
        where state = 'held' and due.reason is not null group by due.reason) as causes),
    'violations', (
      select coalesce(jsonb_agg(jsonb_build_object('invariant', invariant, 'subject', subject, 'explanation', explanation)), '[]')
      from (select * from bugs limit 100) as first),
    'broken', (
      select jsonb_object_agg(bug_names.invariant, coalesce(number, 0))
      from bug_names left join (select invariant, count(*) as number from bugs group by invariant) as counted using (invariant)))
$$;
grant execute on function ledger.audit_orders to controller, admin;
