-- Settles what hangs on a VideoJob that is being deleted while no controller is left, as its deletion would have. `letGo` says whether its
-- finalizer may be taken: nothing is held for this very object any more.
create function ledger.release_object(the_order text, uid text, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  is_claimant boolean := exists (select from orders where order_id = the_order and claimed_by = uid);
  closed jsonb := jsonb_build_object('settled', settled_json(hold));
begin
  if (select state from restore_marks) = 'audit' then
    return jsonb_build_object('settled', null, 'because', 'audit mode: resolve it first', 'letGo', false);
  end if;
  if hold.state = 'held' and is_claimant then
    if dry_run then return jsonb_build_object('settled', null, 'because', 'its order would be closed as deleted', 'letGo', true); end if;
    closed := close_order(the_order, uid, 'Deleted');
    perform record_action(the_actor, 'release finalizer', null, jsonb_build_object('orderId', the_order, 'uid', uid), the_reason, closed);
  end if;
  return jsonb_build_object('settled', closed -> 'settled', 'because', closed -> 'because',
    'letGo', not is_claimant or closed ->> 'settled' is not null);
end $$;
grant execute on function ledger.release_object to admin;
