create function ledger.order_of_attempt(the_attempt bigint) returns text
language sql stable set search_path = ledger, pg_temp as $$
  select order_id from attempts where attempt_id = the_attempt
$$;
