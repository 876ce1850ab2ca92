-- How an order was settled, as every answer tells it; null while it is open.
create function ledger.settled_json(hold ledger.holds) returns jsonb
language sql immutable set search_path = ledger, pg_temp as $$
  select case when hold.state <> 'held' then
    jsonb_build_object('outcome', hold.state, 'reason', hold.reason, 'at', hold.settled_at) end
$$;
