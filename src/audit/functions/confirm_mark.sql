-- The cluster has stored the proposed mark.
create function ledger.confirm_mark(the_epoch bigint, counter bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  update restore_marks set confirmed = counter, state = 'marking', marked_at = clock_timestamp(),
    system_identifier = (select control.system_identifier::text from pg_control_system() as control),
    incarnation = database_incarnation(), cause = null, explanation = null, entered_at = null
  where state <> 'audit' and epoch = the_epoch and proposed = counter;
  return jsonb_build_object('confirmed', found);
end $$;
grant execute on function ledger.confirm_mark to controller;
