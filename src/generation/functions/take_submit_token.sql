-- The provider takes 20 creates in 10 s per key (facts of the provider's documentation); here they are counted.
create function ledger.take_submit_token(the_provider text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz;
  recent timestamptz[];
begin
  insert into submit_tokens (provider) values (the_provider) on conflict do nothing;
  select taken into recent from submit_tokens where provider = the_provider for no key update;
  at := clock_timestamp();
  select coalesce(array_agg(instant order by instant), '{}') into recent
  from unnest(recent) as instant where instant > at - interval '10 seconds';
  if cardinality(recent) >= 20 then
    return jsonb_build_object('granted', false,
      'retryAfterSeconds', extract(epoch from recent[cardinality(recent) - 19] + interval '10 seconds' - at));
  end if;
  update submit_tokens set taken = recent || at where provider = the_provider;
  return jsonb_build_object('granted', true, 'retryAfterSeconds', 0);
end $$;
grant execute on function ledger.take_submit_token to runner, controller;
