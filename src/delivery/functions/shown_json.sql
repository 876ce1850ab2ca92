create function ledger.shown_json(hold ledger.holds, because text) returns jsonb
language sql immutable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('captured', coalesce(hold.state = 'captured', false), 'because', because)
$$;
