-- Books credits for a person by an operator's hand, once per reference.
create function ledger.credit_by_admin(the_kind text, source text, the_user bigint, the_amount bigint, the_reference text, the_actor text,
  the_reason text, dry_run boolean) returns jsonb
language plpgsql set search_path = ledger, pg_temp as $$
declare
  subject jsonb := jsonb_build_object('userId', the_user, 'amount', the_amount);
  known admin_actions;
  action record;
  outcome text := 'granted';
begin
  if the_reference is null then perform refuse('grant_has_its_reference', the_kind); end if;
  if not exists (select from people where user_id = the_user) then
    return jsonb_build_object('outcome', 'unknown-person', 'available', 0, 'debt', 0, 'actionId', null);
  end if;
  if dry_run then
    known := known_action(the_kind, the_reference, subject);
    return jsonb_build_object('outcome', case when known.action_id is null then 'would-grant' else 'exists' end,
      'available', available_credits(the_user), 'debt', owed_credits(the_user), 'actionId', known.action_id);
  end if;
  select * into action from record_action(the_actor, the_kind, the_reference, subject, the_reason, jsonb_build_object('outcome', outcome));
  if action.made then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, action_id)
    values (case the_kind when 'grant' then 'admin:' else 'writeoff:' end || action.action_id, the_kind, the_user, source,
      'user/' || the_user || '/available', the_amount, the_amount, action.action_id);
  else
    outcome := 'exists';
  end if;
  return jsonb_build_object('outcome', outcome, 'available', available_credits(the_user), 'debt', owed_credits(the_user),
    'actionId', action.action_id);
end $$;
