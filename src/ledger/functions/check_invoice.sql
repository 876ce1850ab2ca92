-- Whether this invoice may be paid now, by whom, and for how much: one read, because Telegram waits for the answer.
create function ledger.check_invoice(the_invoice text, said_telegram_id bigint, said_currency text, said_stars bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object('ok', because is null, 'because', because,
    'language', (select language from people where telegram_id = said_telegram_id))
  from (
    select coalesce(
      invoice_mismatch(invoice, said_telegram_id, said_currency, said_stars),
      case when exists (select from people where user_id = invoice.user_id and banned_at is not null) then 'banned'
        when invoice.expires_at <= clock_timestamp() then 'expired' end) as because
    from (select) as always left join invoices as invoice on invoice_id = the_invoice
  ) as found
$$;
grant execute on function ledger.check_invoice to bot;
