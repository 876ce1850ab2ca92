create function ledger.terms(the_model text) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'unitPrice', unit_price, 'welcomeCredits', welcome_credits, 'acceptingOrders', accepting_orders,
    'openOrderLimit', open_order_limit, 'usualSeconds', ledger.usual_seconds(the_model),
    'referralCredits', referral_credits, 'referralDays', referral_days)
  from settings
$$;
grant execute on function ledger.terms to bot, admin;
