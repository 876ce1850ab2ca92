-- Whether the order's VideoJob was lost and another one is to claim it.
create function ledger.awaits_object(the_order text) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select exists (select from reclaims where order_id = the_order and new_uid is null)
$$;
