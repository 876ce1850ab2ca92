create function ledger.claim_refused(why text, blocks boolean) returns jsonb
language sql immutable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('answer', 'refused', 'reason', why, 'blocksOpenOrder', blocks)
$$;
