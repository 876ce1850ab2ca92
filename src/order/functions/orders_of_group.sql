create function ledger.orders_of_group(the_group bigint) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_agg(order_id order by position) from orders where group_id = the_group
$$;
