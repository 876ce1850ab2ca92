create function ledger.owed_credits(the_user bigint) returns bigint
language sql stable set search_path = ledger, pg_temp as $$
  select coalesce((select balance from accounts where account_id = 'user/' || the_user || '/debt'), 0)
$$;
