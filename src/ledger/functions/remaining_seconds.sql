-- What is left for an execution that begins now; a stopped clock leaves the hold's.
create function ledger.remaining_seconds(the_order text, the_stage text) returns double precision
language sql stable set search_path = ledger, pg_temp as $$
  select greatest(0, least(
    extract(epoch from clocks.hold - clock_timestamp()),
    case the_stage when 'generation' then extract(epoch from clocks.generation - clock_timestamp())
    else orders.delivery_execution_seconds end))::double precision
  from orders cross join lateral clocks_of(the_order) as clocks where orders.order_id = the_order
$$;
