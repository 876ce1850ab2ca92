-- Writes down what one of us does. The same reference again is the same act, told as it was; for another act it is an error.
create function ledger.record_action(the_actor text, the_command text, the_reference text, the_subject jsonb, the_reason text,
  the_outcome jsonb, out action_id bigint, out made boolean, out recorded jsonb)
language plpgsql set search_path = ledger, pg_temp as $$
declare
  known admin_actions;
begin
  insert into admin_actions (actor, command, reference, subject, reason, outcome)
  values (the_actor, the_command, the_reference, the_subject, the_reason, the_outcome)
  on conflict (reference) do nothing returning * into known;
  made := found;
  if not made then known := known_action(the_command, the_reference, the_subject); end if;
  action_id := known.action_id;
  recorded := known.outcome;
end $$;
