-- Finds or makes the person of a Telegram account, and marks them reachable: we have just heard from them.
create function ledger.register_person(the_telegram_id bigint, telegram_language text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  person people;
  was_unreachable boolean;
  made boolean := false;
begin
  select * into person from people where telegram_id = the_telegram_id for no key update;
  if not found then
    insert into people (telegram_id, language) values (the_telegram_id, telegram_language)
    on conflict (telegram_id) do nothing returning * into person;
    made := found;
    if not made then select * into person from people where telegram_id = the_telegram_id for no key update; end if;
  end if;
  if made then
    insert into accounts (account_id, user_id) values
      ('user/' || person.user_id || '/available', person.user_id), ('user/' || person.user_id || '/held', person.user_id);
  else
    was_unreachable := person.unreachable_since is not null;
    update people set seen_at = clock_timestamp(), unreachable_since = null where user_id = person.user_id;
    -- Videos that wait for them can be shown now.
    if was_unreachable then perform pg_notify('neurocards_notices', ''); end if;
  end if;
  return jsonb_build_object(
    'userId', person.user_id, 'language', person.language, 'consentedAt', person.consented_at, 'created', made);
end $$;
grant execute on function ledger.register_person to bot;
