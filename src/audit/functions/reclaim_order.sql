-- The object of a claimed open order is lost with the cluster's memory. From here on the relay posts the order's bytes again, and an
-- object with the right content claims it; the former claimant never comes back.
create function ledger.reclaim_order(the_order text, the_reference text, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  o orders;
  because text;
begin
  select * into o from orders where order_id = the_order;
  because := case
    when hold.order_id is null then 'unknown order'
    when hold.state <> 'held' then 'the order is settled'
    when o.claimed_by is null then 'nobody claimed the order: the relay posts it as it is' end;
  if because is not null then return jsonb_build_object('outcome', 'refused', 'because', because); end if;
  if awaits_object(the_order) then return jsonb_build_object('outcome', 'exists', 'because', null); end if;
  if dry_run then return jsonb_build_object('outcome', 'would-reclaim', 'because', null); end if;
  insert into reclaims (order_id, generation, former_uid)
  select the_order, coalesce(max(generation), 0) + 1, o.claimed_by from reclaims where order_id = the_order;
  update orders set relay_due_at = clock_timestamp() where order_id = the_order;
  perform record_action(the_actor, 'reclaim', the_reference, jsonb_build_object('orderId', the_order, 'formerUid', o.claimed_by), the_reason,
    '{"outcome": "reclaimed"}');
  perform tell('neurocards_relay', the_order);
  perform tell('neurocards_orders', the_order);
  return jsonb_build_object('outcome', 'reclaimed', 'because', null);
end $$;
grant execute on function ledger.reclaim_order to admin;
