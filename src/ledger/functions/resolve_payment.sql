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
  -- What was looked at under it was an earlier alarm; this one would go on.
  if not action.made then perform refuse('resolution_has_its_own_reference', the_reference); end if;
  insert into payment_resolutions (charge_id, action_id) values (the_charge, action.action_id);
  return jsonb_build_object('outcome', 'resolved', 'actionId', action.action_id);
end $$;
grant execute on function ledger.resolve_payment to admin;
