-- Leases refunds that Telegram has to be asked for. Asking twice does no harm: the second time it answers that it was refunded already.
create function ledger.take_payment_refunds(owner text, number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  taken bigint[];
begin
  with due as (
    select refund_id from payment_refunds
    where state = 'intent' and due_at <= at and (lease_until is null or lease_until <= at)
    order by due_at limit number for no key update skip locked
  ), leased as (
    update payment_refunds set lease_owner = owner, lease_until = at + interval '60 seconds', tries = tries + 1
    from due where payment_refunds.refund_id = due.refund_id returning payment_refunds.refund_id
  )
  select array_agg(refund_id) into taken from leased;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('refundId', refund_id, 'telegramId', coalesce(payments.telegram_id, people.telegram_id),
      'chargeId', charge_id, 'stars', stars, 'tries', tries) order by refund_id), '[]')
    from payment_refunds join payments using (payment_id) left join people on people.user_id = payments.user_id
    where refund_id = any (taken));
end $$;
grant execute on function ledger.take_payment_refunds to bot;
