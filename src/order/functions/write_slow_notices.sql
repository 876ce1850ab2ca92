-- Once per group of orders: one of it takes twice as long as usual, or no further task may begin.
create function ledger.write_slow_notices(at timestamptz) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  late record;
begin
  for late in
    -- The median is of a model, not of an order: looked up once for each.
    with usual as materialized (
      select model, usual_seconds(model) as seconds
      from (select distinct model from running_orders() join orders using (order_id) where slow_noted_at is null) as models
    )
    select orders.order_id, orders.group_id
    from running_orders() as running join orders using (order_id) join usual using (model)
    where slow_noted_at is null
      and (admitted_at + make_interval(secs => 2 * usual.seconds) <= at or (clocks_of(order_id)).further_task <= at)
    order by orders.order_id for no key update of orders skip locked
  loop
    update orders set slow_noted_at = at where order_id = late.order_id;
    if not exists (select from orders join notices using (order_id) where orders.group_id = late.group_id and notices.kind = 'slow') then
      perform write_notice(late.order_id, 'slow', '{}');
    end if;
  end loop;
end $$;
