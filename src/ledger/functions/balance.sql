create function ledger.balance(the_user bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'available', coalesce(sum(balance) filter (where account_id like '%/available'), 0),
    'held', coalesce(sum(balance) filter (where account_id like '%/held'), 0),
    'debt', coalesce(sum(balance) filter (where account_id like '%/debt'), 0),
    'free', coalesce(sum(free_balance) filter (where account_id like '%/available'), 0))
  from accounts where account_id in ('user/' || the_user || '/available', 'user/' || the_user || '/held', 'user/' || the_user || '/debt')
$$;
grant execute on function ledger.balance to bot, admin;
