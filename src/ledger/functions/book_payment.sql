-- Books what Telegram says was paid, in the caller's transaction. Whatever it is, it is stored, and it never raises for what was said: a
-- payment that fits no open invoice is stored as unmatched, the same charge with other facts as a conflict.
create function ledger.book_payment(said jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  invoice invoices;
  payment payments;
  why text;
begin
  -- Two charges for one invoice wait for each other here, the same charge told twice too.
  select * into invoice from invoices where invoice_id = said ->> 'invoiceId' for no key update;
  -- Whoever has themselves forgotten at this moment is either paid before it, or somebody else after it: no row keeps their name.
  perform from people where user_id = invoice.user_id for share;
  select * into payment from payments where charge_id = said ->> 'chargeId';
  if found then return known_payment(payment, said); end if;
  why := invoice_mismatch(invoice, (said ->> 'telegramId')::bigint, said ->> 'currency', (said ->> 'stars')::bigint);
  insert into payments (charge_id, invoice_id, user_id, credits, telegram_id, currency, stars, said_invoice, source, unmatched)
  select said ->> 'chargeId', matched.invoice_id, matched.user_id, matched.credits, (said ->> 'telegramId')::bigint, said ->> 'currency',
    (said ->> 'stars')::bigint, said ->> 'invoiceId', said ->> 'source', why
  from (select) as always left join invoices as matched on why is null and matched.invoice_id = invoice.invoice_id
  on conflict (charge_id) do nothing returning * into payment;
  if not found then
    select * into payment from payments where charge_id = said ->> 'chargeId';
    return known_payment(payment, said);
  end if;
  if why is null then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, payment_id)
    values ('topup:' || payment.payment_id, 'topup', payment.user_id, 'sys/sales', 'user/' || payment.user_id || '/available',
      payment.credits, 0, payment.payment_id);
  end if;
  return payment_json(case when why is null then 'booked' else 'unmatched' end, payment);
end $$;
grant execute on function ledger.book_payment to bot;
