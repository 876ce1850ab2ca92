-- An operator gives up a paid task that may still run, so that the credits come back.
create function ledger.close_order_by_admin(the_order text, the_reference text, the_actor text, the_reason text, dry_run boolean)
returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  answer jsonb;
begin
  if dry_run then
    return jsonb_build_object('settled', settled_json(hold), 'because', case
      when hold.order_id is null then 'unknown order'
      when hold.state = 'held' and exists (select from deliveries where order_id = the_order) then
        'the video is stored: only its delivery decides now' end);
  end if;
  answer := close_order(the_order, null, 'Forfeit');
  if hold.state = 'held' then
    perform record_action(the_actor, 'order close', the_reference, jsonb_build_object('orderId', the_order), the_reason, answer);
  end if;
  return answer || jsonb_build_object('because', answer -> 'because');
end $$;
grant execute on function ledger.close_order_by_admin to admin;
