-- Whether a Telegram account is somebody's. Nobody becomes known by the question.
create function ledger.knows_person(the_telegram_id bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select to_jsonb(exists (select from people where telegram_id = the_telegram_id))
$$;
grant execute on function ledger.knows_person to bot;
