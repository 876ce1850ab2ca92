create function ledger.balance(the_user bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object('available', available_credits(the_user), 'held',
    coalesce((select balance from accounts where account_id = 'user/' || the_user || '/held'), 0))
$$;
grant execute on function ledger.balance to bot, admin;
