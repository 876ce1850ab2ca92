create function ledger.refused_placement(made ledger.order_groups, available bigint) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('outcome', 'refused', 'reason', made.refused, 'available', available, 'needed', made.total)
$$;
