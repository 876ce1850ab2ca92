create function ledger.refund_json(outcome text, because text, payment ledger.payments, refund ledger.payment_refunds) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('outcome', outcome, 'because', because, 'refundId', refund.refund_id, 'state', refund.state,
    'userId', payment.user_id, 'credits', coalesce(payment.credits, 0), 'stars', coalesce(payment.stars, 0),
    'available', available_credits(payment.user_id))
$$;
