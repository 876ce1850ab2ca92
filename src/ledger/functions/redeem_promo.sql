-- Credits for a code, once per person. The code's row is locked, so that its last use is given once.
create function ledger.redeem_promo(the_user bigint, said_code text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  promo promos;
  outcome text;
begin
  select * into promo from promos where code = lower(trim(said_code)) for no key update;
  outcome := case
    when not exists (select from people where user_id = the_user and banned_at is null) then 'banned'
    when promo.code is null then 'unknown'
    when exists (select from transfers where idempotency_key = 'promo:' || promo.code || ':' || the_user) then 'already'
    when promo.until <= clock_timestamp() then 'expired'
    when promo.uses_limit <= (select count(*) from transfers where promo_code = promo.code) then 'exhausted'
    else 'granted' end;
  if outcome = 'granted' then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, promo_code)
    values ('promo:' || promo.code || ':' || the_user, 'promo', the_user, 'sys/grants', 'user/' || the_user || '/available',
      promo.credits, promo.credits, promo.code);
  end if;
  return jsonb_build_object('outcome', outcome, 'granted', case outcome when 'granted' then promo.credits else 0 end,
    'available', available_credits(the_user), 'debt', owed_credits(the_user));
end $$;
grant execute on function ledger.redeem_promo to bot;
