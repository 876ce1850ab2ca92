-- One of us looked at an unmatched payment or a conflict and did what was to be done (a grant, a refund): the alarm about it ends.
create function ledger.resolve_payment(the_charge text, the_reference text, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  action record;
begin
  if not exists (select from unresolved_payments where charge_id = the_charge) then
    return jsonb_build_object('outcome', case
      when exists (select from payment_resolutions where charge_id = the_charge) then 'exists' else 'nothing-to-resolve' end, 'actionId', null);
  end if;
  if dry_run then return jsonb_build_object('outcome', 'would-resolve', 'actionId', null); end if;
  select * into action from record_action(the_actor, 'payment resolve', the_reference, jsonb_build_object('chargeId', the_charge), the_reason,
    '{"outcome": "resolved"}');
  insert into payment_resolutions (charge_id, action_id) values (the_charge, action.action_id) on conflict (action_id) do nothing;
  return jsonb_build_object('outcome', 'resolved', 'actionId', action.action_id);
end $$;
grant execute on function ledger.resolve_payment to admin;
