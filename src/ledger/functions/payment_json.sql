-- What the bot hears of a payment: whose it is, and what they have now. Nobody's when it is unmatched.
create function ledger.payment_json(outcome text, payment ledger.payments) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('outcome', outcome, 'because', payment.unmatched, 'paymentId', payment.payment_id, 'userId', payment.user_id,
    'credits', coalesce(payment.credits, 0), 'available', available_credits(payment.user_id), 'debt', owed_credits(payment.user_id),
    'repaid', (
      select coalesce(sum(repayment.amount), 0)
      from transfers as topup join transfers as repayment on repayment.idempotency_key = 'repay:' || topup.transfer_id
      where topup.payment_id = payment.payment_id),
    'language', (
      select language from people where user_id = payment.user_id or payment.user_id is null and telegram_id = payment.telegram_id))
$$;
