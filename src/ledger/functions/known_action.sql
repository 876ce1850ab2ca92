-- The action that was recorded under this reference, or null; another act under it is an error.
create function ledger.known_action(the_command text, the_reference text, the_subject jsonb) returns ledger.admin_actions
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  known admin_actions;
begin
  select * into known from admin_actions where reference = the_reference;
  if found and (known.command, known.subject) is distinct from (the_command, the_subject) then
    raise exception using errcode = 'unique_violation', constraint = 'admin_reference_reused', schema = 'ledger',
      message = format('admin_reference_reused: the reference %s was used for something else', the_reference);
  end if;
  return known;
end $$;
