-- Makes a code, or changes how often and until when it works; its credits never change.
create function ledger.set_promo(the_code text, the_credits bigint, the_limit integer, the_until timestamptz, the_actor text, the_reason text)
returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  promo promos;
begin
  insert into promos (code, credits, uses_limit, until) values (lower(the_code), the_credits, the_limit, the_until)
  on conflict (code) do update set credits = excluded.credits, uses_limit = excluded.uses_limit, until = excluded.until
  returning * into promo;
  perform record_action(the_actor, 'promo', null, to_jsonb(promo), the_reason, '{"outcome": "set"}');
  return to_jsonb(promo);
end $$;
grant execute on function ledger.set_promo to admin;
