-- Unclaimed open orders that are due for a POST; each is due again after 2 s, growing to 20 s.
create function ledger.take_orders_to_relay(number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  taken jsonb;
begin
  -- An order that was settled in a forgotten time must not be posted again.
  if standstill() is not null then return '[]'; end if;
  with due as (
    select order_id from orders
    where order_id in (
        select order_id from orders where claimed_by is null and relay_due_at <= at
        union all select order_id from reclaims where new_uid is null)
      and relay_due_at <= at
      and exists (select from holds where holds.order_id = orders.order_id and state = 'held')
    order by relay_due_at limit number for no key update skip locked
  ), updated as (
    update orders set relay_tries = relay_tries + 1, relay_due_at = at + make_interval(secs => least(20, 2 * power(1.6, least(relay_tries, 10))))
    from due where orders.order_id = due.order_id and (claimed_by is null or awaits_object(due.order_id))
    returning orders.order_id, video_job, spec_hash, relay_tries, placed_at, position
  )
  select jsonb_agg(jsonb_build_object('orderId', order_id, 'videoJob', video_job, 'specHash', spec_hash, 'tries', relay_tries,
    'overdue', (select reason from due_end(order_id, at)) is not null) order by placed_at, position)
  into taken from updated;
  return coalesce(taken, '[]');
end $$;
grant execute on function ledger.take_orders_to_relay to bot;
