-- Finds or makes the person of a Telegram account, and marks them reachable: we have just heard from them. Whoever had themselves forgotten
-- is known by the HMAC of their Telegram id, and gets their number back.
create function ledger.register_person(the_telegram_id bigint, telegram_language text, the_identity text default null) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  person people;
  was_unreachable boolean;
  made boolean := false;
begin
  select * into person from people where telegram_id = the_telegram_id for no key update;
  if not found then person := return_person(the_telegram_id, telegram_language, the_identity); end if;
  if person.user_id is null then
    insert into people (telegram_id, language) values (the_telegram_id, telegram_language)
    on conflict (telegram_id) where telegram_id is not null do nothing returning * into person;
    made := found;
    if not made then select * into person from people where telegram_id = the_telegram_id for no key update; end if;
  end if;
  if made then
    insert into accounts (account_id, user_id)
    select 'user/' || person.user_id || '/' || kind, person.user_id from unnest(array['available', 'debt', 'held']) as kind;
  else
    was_unreachable := person.unreachable_since is not null;
    update people set seen_at = clock_timestamp(), unreachable_since = null where user_id = person.user_id;
    if was_unreachable then
      -- How an order ended that they could not be told of: nobody learns of a refund from a balance.
      update notices set ended_at = null, ending = null, lease_owner = null, lease_until = null, due_at = clock_timestamp()
      where ending = 'unreachable' and kind in ('failed', 'summary')
        and order_id in (select order_id from orders where user_id = person.user_id);
      -- Videos that wait for them can be shown now, too.
      perform tell('neurocards_notices', '');
    end if;
  end if;
  return jsonb_build_object('userId', person.user_id, 'language', person.language, 'consentedAt', person.consented_at, 'created', made,
    'banned', person.banned_at is not null, 'referralCode', person.referral_code);
end $$;
grant execute on function ledger.register_person to bot;
