-- Orders that somebody has to look at: claimed and changed since then, a lease ran out, an end is due, or not looked at for 5 minutes;
-- or posted and claimed by nobody.
-- On its way it turns an intent whose maker lost the lease into `unknown`, writes the one "takes longer" notice, and renews the progress.
create function ledger.due_orders(since timestamptz) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  due text[];
begin
  perform expire_intents();
  perform write_slow_notices(at);
  perform write_elapsed(at);
  select coalesce(array_agg(order_id), '{}') into due from (
    -- A transaction that began before `since` may have committed after it.
    select order_id from order_changes join orders using (order_id)
    where claimed_by is not null and changed_at > since - interval '30 seconds'
    union
    select order_id from orders join holds using (order_id)
    where holds.state = 'held' and claimed_by is not null and (
      looked_at < at - interval '5 minutes'
      or exists (
        select from attempts where attempts.order_id = orders.order_id
          and attempts.state in ('ready', 'intent', 'unknown', 'accepted') and lease_until < at)
      or exists (
        select from deliveries where deliveries.order_id = orders.order_id
          and deliveries.state in ('pending', 'editing') and lease_until < at)
      or (select reason from due_end(orders.order_id, at)) is not null)
    union
    -- The event that told of its object may have been lost.
    select order_id from orders join holds using (order_id)
    where holds.state = 'held' and claimed_by is null and relay_tries > 0 and placed_at < at - interval '5 seconds'
  ) as found;
  update orders set looked_at = at where order_id in (
    select order_id from orders where order_id = any (due) order by order_id for no key update skip locked);
  return jsonb_build_object('now', at, 'orders', to_jsonb(due));
end $$;
grant execute on function ledger.due_orders to controller;
