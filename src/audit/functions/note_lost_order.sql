-- A person knows that this signed object names an order that cannot be rebuilt: it may be refused.
create function ledger.note_lost_order(the_order text, the_actor text, the_reason text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  perform refuse_outside_audit_mode();
  insert into lost_orders (order_id, epoch) select the_order, epoch from restore_marks on conflict do nothing;
  if found then
    perform record_action(the_actor, 'audit lost', null, jsonb_build_object('orderId', the_order), the_reason, '{"outcome": "noted"}');
  end if;
  return null;
end $$;
grant execute on function ledger.note_lost_order to admin;
