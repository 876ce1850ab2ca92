-- Everything the metrics say of the ledger but for what breaks an invariant: the audit of every minute counts that.
create function ledger.figures() returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  with open_orders as (
    select orders.*, deliveries.opened_at as stored_at,
      (select since from due_end(orders.order_id, clock_timestamp())) as due_since
    from orders join holds using (order_id) left join deliveries using (order_id) where holds.state = 'held'
  )
  select jsonb_build_object(
    'oldestUnsettledSeconds', (select coalesce(max(age_seconds(due_since)), 0) from open_orders),
    'oldestOpenSeconds', (
      select jsonb_build_object(
        'relay', coalesce(max(age_seconds(placed_at)) filter (where claimed_by is null), 0),
        'queue', coalesce(max(age_seconds(claimed_at)) filter (where claimed_by is not null and admitted_at is null), 0),
        'generation', coalesce(max(age_seconds(admitted_at)) filter (where stored_at is null), 0),
        'delivery', coalesce(max(age_seconds(stored_at)), 0))
      from open_orders),
    'oldestWaitingShowSeconds', (select coalesce(max(age_seconds(coalesce(asked_at, settled_at))), 0) from showable),
    'open', (
      select jsonb_build_object(
        'relay', count(*) filter (where claimed_by is null),
        'queue', count(*) filter (where claimed_by is not null and admitted_at is null),
        'generation', count(*) filter (where admitted_at is not null and stored_at is null),
        'delivery', count(*) filter (where stored_at is not null))
      from open_orders),
    'settled', (
      select coalesce(jsonb_agg(jsonb_build_object('outcome', state, 'reason', reason, 'count', number)), '[]')
      from (select state, reason, count(*) as number from holds where state <> 'held' group by state, reason) as ends),
    'attempts', (
      select coalesce(jsonb_agg(jsonb_build_object('state', state, 'count', number)), '[]')
      from (select state, count(*) as number from attempts group by state) as states),
    'deliveries', (
      select coalesce(jsonb_agg(jsonb_build_object('state', state, 'count', number)), '[]')
      from (select state, count(*) as number from deliveries group by state) as states),
    'noticesPending', (select count(*) from notices where ended_at is null),
    'oldestNoticeSeconds', (select coalesce(max(age_seconds(written_at)), 0) from notices where ended_at is null),
    'requests', (
      select coalesce(jsonb_agg(jsonb_build_object('target', target, 'operation', operation, 'class', class, 'count', count)), '[]')
      from request_counts),
    'payments', jsonb_build_object(
      'unmatched', (select count(*) from unresolved_payments),
      'refundsPending', (select count(*) from payment_refunds where state = 'intent'),
      'oldestRefundSeconds', (select coalesce(max(age_seconds(requested_at)), 0) from payment_refunds where state = 'intent')),
    'credits', (
      select jsonb_build_object(
        'granted', coalesce(sum(amount) filter (where kind in ('welcome', 'referral', 'promo', 'grant')), 0),
        'bought', coalesce(sum(amount) filter (where kind = 'topup'), 0),
        'captured', coalesce(sum(amount) filter (where kind = 'capture'), 0),
        'refunded', coalesce(sum(case kind when 'refund' then amount when 'refund-return' then -amount end), 0),
        'chargedBack', coalesce(sum(amount) filter (where kind in ('chargeback', 'chargeback-debt')), 0),
        'writtenOff', coalesce(sum(case kind when 'writeoff' then amount when 'forfeit' then -amount end), 0))
      from transfers) || (
      select jsonb_build_object(
        'held', coalesce(sum(balance) filter (where account_id like '%/held'), 0),
        'available', coalesce(sum(balance) filter (where account_id like '%/available'), 0),
        'debt', coalesce(sum(balance) filter (where account_id like '%/debt'), 0))
      from accounts))
$$;
grant execute on function ledger.figures to controller, admin, bot;
