-- The place in the queue, from 1; null for an order that does not wait.
create function ledger.place_of(the_order text) returns bigint
language sql stable set search_path = ledger, pg_temp as $$
  select turn from waiting_orders() where order_id = the_order
$$;
