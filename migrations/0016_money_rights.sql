-- The admin role reads the new books too; Telegram ids, codes of forgotten people and what Telegram said stay out of it.
grant select on ledger.promos, ledger.packages, ledger.invoices, ledger.chargebacks, ledger.admin_actions, ledger.payment_resolutions,
  ledger.payment_refunds, ledger.unresolved_payments to admin;
grant select (payment_id, charge_id, invoice_id, user_id, credits, currency, stars, received_at, source, unmatched) on ledger.payments to admin;
grant select (conflict_id, charge_id, noted_at) on ledger.payment_conflicts to admin;
grant select (referral_code, referred_by, banned_at, forgotten_at) on ledger.people to admin;
