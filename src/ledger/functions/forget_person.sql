-- A person has themselves forgotten. Without an expected sum it only says what would be lost; with it, it is done only while that is true.
create function ledger.forget_person(the_user bigint, the_identity text, expected_forfeit bigint default null) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  spendable accounts;
  open_orders jsonb;
  outcome text;
begin
  perform from people where user_id = the_user and telegram_id is not null for no key update;
  if not found then perform refuse('forgotten_person_is_known', the_user::text); end if;
  -- Before the credits, as whoever books a payment or its return does: so neither waits for the other in a circle.
  perform from payments where user_id = the_user order by payment_id for no key update;
  -- From here on nobody places an order of theirs.
  select * into spendable from accounts where account_id = 'user/' || the_user || '/available' for no key update;
  select coalesce(jsonb_agg(order_id order by held_at), '[]') into open_orders from holds where user_id = the_user and state = 'held';
  outcome := case
    when open_orders <> '[]' then 'open-orders'
    when expected_forfeit is null then 'preview'
    when expected_forfeit <> spendable.balance then 'changed'
    else 'forgotten' end;
  if outcome = 'forgotten' then
    if the_identity is null then perform refuse('forgotten_person_keeps_identity', the_user::text); end if;
    if spendable.balance > 0 then
      insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
      values ('forfeit:' || the_user || ':' || 1 + (select count(*) from transfers where user_id = the_user and kind = 'forfeit'),
        'forfeit', the_user, spendable.account_id, 'sys/writeoff', spendable.balance, spendable.free_balance);
    end if;
    update people set telegram_id = null, identity_hmac = the_identity, forgotten_at = clock_timestamp(),
      consented_at = null, consent_version = null, unreachable_since = clock_timestamp()
    where user_id = the_user;
    perform redact_person(the_user);
  end if;
  return jsonb_build_object('outcome', outcome, 'openOrders', open_orders, 'forfeits', spendable.balance, 'debt', owed_credits(the_user),
    'videoJobs', case outcome when 'forgotten' then (
      select coalesce(jsonb_agg('vj-' || order_id order by settled_at), '[]') from holds where user_id = the_user) else '[]' end);
end $$;
grant execute on function ledger.forget_person to bot;
