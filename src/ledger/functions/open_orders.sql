create function ledger.open_orders(the_user bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'orderId', order_id, 'placedAt', placed_at, 'admittedAt', admitted_at, 'cancellable', is_cancellable(order_id))
    order by placed_at, position), '[]')
  from orders join holds using (order_id)
  where holds.user_id = the_user and holds.state = 'held'
$$;
grant execute on function ledger.open_orders to bot;
