create function ledger.cancel_claimed_order(the_order text, uid text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
begin
  if not exists (select from orders where order_id = the_order and claimed_by = uid) then
    return jsonb_build_object('outcome', 'unknown-order', 'settled', null);
  end if;
  return cancel_locked(hold);
end $$;
grant execute on function ledger.cancel_claimed_order to controller;
