create function ledger.cancel_order(the_order text, the_user bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds;
begin
  -- Somebody else's order is not even locked.
  if exists (select from holds where order_id = the_order and user_id = the_user) then hold := lock_hold(the_order); end if;
  if hold.order_id is null then return jsonb_build_object('outcome', 'unknown-order', 'settled', null); end if;
  return cancel_locked(hold);
end $$;
grant execute on function ledger.cancel_order to bot;
