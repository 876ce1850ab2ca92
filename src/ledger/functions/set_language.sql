create function ledger.set_language(the_user bigint, chosen text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  update people set language = chosen where user_id = the_user and language <> chosen;
  return null;
end $$;
grant execute on function ledger.set_language to bot;
