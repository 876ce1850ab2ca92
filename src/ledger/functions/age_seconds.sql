create function ledger.age_seconds(since timestamptz) returns double precision
language sql stable set search_path = ledger, pg_temp as $$
  select greatest(0, extract(epoch from clock_timestamp() - since))::double precision
$$;
