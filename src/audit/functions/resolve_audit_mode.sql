-- An operator has looked: a new epoch begins with both sides as they are now, and the next mark says so in the cluster too.
create function ledger.resolve_audit_mode(the_epoch bigint, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  marks restore_marks;
begin
  select * into marks from restore_marks for no key update;
  if marks.state <> 'audit' then return jsonb_build_object('outcome', 'not-in-audit-mode', 'epoch', marks.epoch); end if;
  -- What was looked at was another audit.
  if marks.epoch <> the_epoch then return jsonb_build_object('outcome', 'other-epoch', 'epoch', marks.epoch); end if;
  if dry_run then return jsonb_build_object('outcome', 'would-resolve', 'epoch', marks.epoch + 1); end if;
  update restore_marks set state = 'resolved', epoch = marks.epoch + 1, incarnation = database_incarnation()
  returning * into marks;
  perform record_action(the_actor, 'audit resolve', null,
    jsonb_build_object('epoch', marks.epoch, 'cause', marks.cause, 'explanation', marks.explanation), the_reason, '{"outcome": "resolved"}');
  return jsonb_build_object('outcome', 'resolved', 'epoch', marks.epoch);
end $$;
grant execute on function ledger.resolve_audit_mode to admin;
