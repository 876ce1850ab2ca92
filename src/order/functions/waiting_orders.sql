-- Claimed orders that wait for admission, in their turn: person by person, then by age. Suspended ones do not wait.
create function ledger.waiting_orders() returns table (order_id text, turn bigint)
language sql stable set search_path = ledger, pg_temp as $$
  select waiting.order_id, row_number() over (
    order by waiting.rank + coalesce(running.number, 0), waiting.placed_at, waiting.position, waiting.order_id)
  from (
    select orders.order_id, orders.user_id, orders.placed_at, orders.position,
      row_number() over (partition by orders.user_id order by orders.placed_at, orders.position, orders.order_id) as rank
    from orders join holds using (order_id)
    where holds.state = 'held' and orders.claimed_by is not null and orders.admitted_at is null
      and not exists (
        select from pauses where pauses.order_id = orders.order_id and cause = 'suspended' and upper_inf(during))
  ) as waiting
  left join (
    select orders.user_id, count(*) as number from running_orders() join orders using (order_id) group by orders.user_id
  ) as running on running.user_id = waiting.user_id
$$;
