-- The first lock of every function that touches an order. NO KEY, because foreign keys to the row take KEY SHARE.
create function ledger.lock_hold(the_order text) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
declare
  hold holds;
begin
  select * into hold from holds where order_id = the_order for no key update;
  return hold;
end $$;
