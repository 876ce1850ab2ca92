create function ledger.observed_executions(the_order text, the_stage text) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('n', n, 'executor', executor, 'openedAt', opened_at, 'leasedAt', leased_at,
    'endedAt', ended_at, 'endCause', end_cause) order by n), '[]')
  from executions where order_id = the_order and stage = the_stage
$$;
