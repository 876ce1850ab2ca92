create function ledger.write_progress(the_order text, stage text) returns void
language sql set search_path = ledger, pg_temp as $$
  select write_notice(the_order, 'progress', jsonb_build_object('stage', stage))
$$;
