-- Bans a person, or takes a ban back: no orders, no invoices, no codes. What they have stays theirs.
create function ledger.ban_person(the_user bigint, the_reference text, the_actor text, the_reason text, banned boolean, dry_run boolean)
returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  person people;
  action record;
  outcome text := case when banned then 'banned' else 'allowed' end;
begin
  select * into person from people where user_id = the_user for no key update;
  if not found then return jsonb_build_object('outcome', 'unknown-person', 'actionId', null); end if;
  if (person.banned_at is not null) = banned then return jsonb_build_object('outcome', 'exists', 'actionId', null); end if;
  if dry_run then return jsonb_build_object('outcome', 'would-be-' || outcome, 'actionId', null); end if;
  select * into action from record_action(the_actor, case when banned then 'ban' else 'unban' end, the_reference,
    jsonb_build_object('userId', the_user), the_reason, jsonb_build_object('outcome', outcome));
  if not action.made then return jsonb_build_object('outcome', 'exists', 'actionId', action.action_id); end if;
  update people set banned_at = case when banned then clock_timestamp() end where user_id = the_user;
  return jsonb_build_object('outcome', outcome, 'actionId', action.action_id);
end $$;
grant execute on function ledger.ban_person to admin;
