-- Why this person cannot order now, or null. The account is locked, so that two taps cannot both pass.
create function ledger.refusal_of(placement jsonb, the_user bigint, number integer, available bigint) returns text
language sql stable set search_path = ledger, pg_temp as $$
  select case
    when exists (select from people where user_id = the_user and banned_at is not null) then 'Banned'
    when not accepting_orders or standstill() = 'audit' then 'OrdersPaused'
    when (select consented_at from people where user_id = the_user) is null then 'NoConsent'
    when owed_credits(the_user) > 0 then 'InDebt'
    when unit_price <> (placement ->> 'unitPrice')::bigint then 'PriceChanged'
    when number + (select count(*) from holds where user_id = the_user and state = 'held') > open_order_limit then 'TooManyOpenOrders'
    when number * unit_price > available then 'InsufficientCredits' end
  from settings
$$;
