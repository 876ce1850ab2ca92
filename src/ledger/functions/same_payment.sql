-- Whether what is said of a charge is what was booked. A forgotten person's Telegram id is not known any more, and a refund names no invoice.
create function ledger.same_payment(payment ledger.payments, said jsonb) returns boolean
language sql immutable set search_path = ledger, pg_temp as $$
  select payment.currency = said ->> 'currency' and payment.stars = (said ->> 'stars')::bigint
    and coalesce(payment.telegram_id = (said ->> 'telegramId')::bigint, true)
    and coalesce(payment.said_invoice = said ->> 'invoiceId', true)
$$;
