-- Everything an operator may see of a person, found by our number or by the Telegram id they tell; null when there is nobody.
-- The Telegram id itself is not answered, and nothing they wrote.
create function ledger.person_by(asked jsonb) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'userId', user_id, 'language', language, 'createdAt', created_at, 'seenAt', seen_at, 'unreachableSince', unreachable_since,
    'consentedAt', consented_at, 'bannedAt', banned_at, 'forgotten', telegram_id is null, 'forgottenAt', forgotten_at,
    'referredBy', referred_by, 'referred', (select count(*) from people as referred where referred.referred_by = people.user_id),
    'balance', balance(user_id),
    'orders', (
      select coalesce(jsonb_object_agg(state, number), '{}')
      from (select state, count(*) as number from holds where holds.user_id = people.user_id group by state) as states),
    'lastOrders', (
      select coalesce(jsonb_agg(jsonb_build_object('orderId', order_id, 'state', state, 'reason', reason, 'credits', amount, 'at', held_at)
        order by held_at desc), '[]')
      from (select * from holds where holds.user_id = people.user_id order by held_at desc limit 10) as newest),
    'payments', (
      select coalesce(jsonb_agg(jsonb_build_object('chargeId', charge_id, 'credits', payments.credits, 'stars', stars, 'at', received_at,
        'source', payments.source, 'refund', (
          select state from payment_refunds where payment_refunds.payment_id = payments.payment_id order by refund_id desc limit 1),
        'chargedBackAt', (select noted_at from chargebacks where chargebacks.payment_id = payments.payment_id))
        order by received_at desc), '[]')
      from payments where payments.user_id = people.user_id),
    'grants', (
      select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'amount', amount, 'at', booked_at, 'key', idempotency_key)
        order by transfer_id desc), '[]')
      from transfers where transfers.user_id = people.user_id and kind in ('welcome', 'referral', 'promo', 'grant', 'writeoff')),
    'actions', (
      select coalesce(jsonb_agg(jsonb_build_object('actionId', action_id, 'actor', actor, 'command', command, 'reference', reference,
        'reason', reason, 'at', acted_at) order by action_id desc), '[]')
      from admin_actions where subject -> 'userId' = to_jsonb(people.user_id)))
  from people
  where user_id = (asked ->> 'userId')::bigint or telegram_id = (asked ->> 'telegramId')::bigint
$$;
grant execute on function ledger.person_by to admin;
