-- The leading controller has compared this start of the server with its memory and found nothing missing.
create function ledger.vouch_for_database(the_incarnation text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  update restore_marks set incarnation = the_incarnation
  where state <> 'audit' and the_incarnation = database_incarnation() and incarnation is distinct from the_incarnation;
  return null;
end $$;
grant execute on function ledger.vouch_for_database to controller;
