-- Books that Telegram gave a payment back: the end of our own refund, or a chargeback, which cannot be refused. Never raises for what was said.
create function ledger.book_refunded_payment(said jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  payment payments;
  refund payment_refunds;
begin
  -- The refund may come before its payment: then that will bring nothing either.
  insert into payments (charge_id, telegram_id, currency, stars, said_invoice, source, unmatched)
  values (said ->> 'chargeId', (said ->> 'telegramId')::bigint, said ->> 'currency', (said ->> 'stars')::bigint, said ->> 'invoiceId',
    said ->> 'source', 'refunded-first')
  on conflict (charge_id) do nothing;
  select * into payment from payments where charge_id = said ->> 'chargeId' for no key update;
  if not same_payment(payment, said) then return known_payment(payment, said); end if;
  if exists (select from chargebacks where payment_id = payment.payment_id) then return payment_json('exists', payment); end if;
  select * into refund from payment_refunds where payment_id = payment.payment_id and state <> 'refused';
  if refund.state = 'done' then return payment_json('exists', payment); end if;
  if refund.state = 'intent' then
    perform end_payment_refund(refund.refund_id, 'done', 'Telegram told of it');
    return payment_json('refund-confirmed', payment);
  end if;
  perform book_chargeback(payment, said ->> 'source');
  return payment_json(case when payment.user_id is null then 'unmatched' else 'charged-back' end, payment);
end $$;
grant execute on function ledger.book_refunded_payment to bot;
