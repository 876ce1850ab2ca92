create function ledger.done_json(because text) returns jsonb
language sql immutable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('done', because is null, 'because', because)
$$;
