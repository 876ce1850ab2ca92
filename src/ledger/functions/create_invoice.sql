-- What a person is offered, as a row before it is shown: the package as it is now, for this person alone, for a while.
create function ledger.create_invoice(the_user bigint, the_package text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  invoice invoices;
begin
  if not exists (select from people where user_id = the_user and banned_at is null and telegram_id is not null) then
    return jsonb_build_object('outcome', 'banned');
  end if;
  insert into invoices (user_id, package_id, package_version, credits, stars, expires_at)
  select the_user, package_id, version, credits, stars, clock_timestamp() + make_interval(secs => invoice_seconds)
  from packages cross join settings where package_id = the_package and offered
  returning * into invoice;
  if invoice.invoice_id is null then return jsonb_build_object('outcome', 'unknown-package'); end if;
  return jsonb_build_object('outcome', 'created', 'invoiceId', invoice.invoice_id, 'credits', invoice.credits, 'stars', invoice.stars,
    'expiresAt', invoice.expires_at);
end $$;
grant execute on function ledger.create_invoice to bot;
