-- Orders that use an admission slot: admitted, open, and without a stored video. Between two attempts they keep it.
create function ledger.running_orders() returns table (order_id text)
language sql stable set search_path = ledger, pg_temp as $$
  select orders.order_id from orders join holds using (order_id)
  where holds.state = 'held' and orders.admitted_at is not null
    and not exists (select from deliveries where deliveries.order_id = orders.order_id)
$$;
