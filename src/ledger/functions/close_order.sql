-- The end of an order, decided in one transaction under the hold's lock. `request` is what the caller believes; what is found decides.
create function ledger.close_order(the_order text, uid text, request text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  claimant text;
  because text;
begin
  if hold.order_id is null then return jsonb_build_object('settled', null, 'because', 'unknown order'); end if;
  if hold.state <> 'held' then return jsonb_build_object('settled', settled_json(hold)); end if;
  select claimed_by into claimant from orders where order_id = the_order;
  if request = 'Forfeit' then
    -- Giving up a paid task is the operator's decision alone.
    if not pg_has_role(session_user, 'admin', 'member') then perform refuse('forfeit_by_admin', session_user); end if;
  elsif claimant is distinct from uid then
    return jsonb_build_object('settled', null, 'because',
      case when claimant is null then 'nobody claimed the order' else 'another object claimed the order' end);
  end if;
  case request
    when 'Deleted' then because := close_deleted(hold, claimant);
    when 'Forfeit' then because := close_forfeited(hold);
    when 'InvalidSpec' then because := close_invalid(hold);
    when 'Clock', 'Verdict', 'DeliveryOver' then because := close_due(hold);
    else perform refuse('close_request_is_known', coalesce(request, 'null'));
  end case;
  if because is not null then return jsonb_build_object('settled', null, 'because', because); end if;
  select * into hold from holds where order_id = the_order;
  return jsonb_build_object('settled', settled_json(hold));
end $$;
grant execute on function ledger.close_order to bot, controller, admin;
