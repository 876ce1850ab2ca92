-- Whether another paid task may follow this attempt: it failed for certain, its class allows it, and so do count and clocks.
create function ledger.another_allowed(the_attempt bigint, at timestamptz) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select attempts.state in ('failed', 'rejected') and holds.state = 'held'
    and coalesce(failure_classes.retry in ('resubmit', 'new-task'), false)
    and attempts.n < orders.max_attempts
    and coalesce(clocks.further_task > at, true) and coalesce(clocks.generation > at, true) and clocks.hold > at
    and not exists (select from rebuilt_orders where rebuilt_orders.order_id = attempts.order_id)
    and not exists (select from attempts as later where later.order_id = attempts.order_id and later.n > attempts.n)
  from attempts join orders using (order_id) join holds using (order_id)
    left join failure_classes on failure_classes.class = attempts.failure_class
    cross join lateral clocks_of(attempts.order_id) as clocks
  where attempts.attempt_id = the_attempt
$$;
