-- Once per order: it takes twice as long as usual, or no further task may begin.
create function ledger.write_slow_notices(at timestamptz) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  late record;
begin
  for late in
    select orders.order_id, usual.seconds
    from orders join holds using (order_id)
      join lateral (select usual_seconds(orders.model) as seconds) as usual on true
    where holds.state = 'held' and admitted_at is not null and slow_noted_at is null
      and not exists (select from deliveries where deliveries.order_id = orders.order_id)
      and (admitted_at + make_interval(secs => 2 * usual.seconds) <= at
        or (clocks_of(orders.order_id)).further_task <= at)
    order by orders.order_id for no key update of orders skip locked
  loop
    update orders set slow_noted_at = at where order_id = late.order_id;
    perform write_notice(late.order_id, 'slow', '{}');
  end loop;
end $$;
