-- Why a payment does not belong to this invoice, or null. That it has expired is no reason here: what was paid was paid.
create function ledger.invoice_mismatch(invoice ledger.invoices, said_telegram_id bigint, said_currency text, said_stars bigint) returns text
language sql stable set search_path = ledger, pg_temp as $$
  select case
    when invoice.invoice_id is null then 'unknown-invoice'
    when said_currency is distinct from 'XTR' then 'other-currency'
    when said_stars is distinct from invoice.stars then 'other-amount'
    when not exists (select from people where user_id = invoice.user_id and telegram_id = said_telegram_id) then 'other-person'
    when exists (select from payments where invoice_id = invoice.invoice_id) then 'paid' end
$$;
