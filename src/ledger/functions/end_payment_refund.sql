-- Ends a refund: done, or refused by Telegram for good, and then the credits come back. The caller holds the payment's lock.
create function ledger.end_payment_refund(the_refund bigint, the_state text, words text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  refund payment_refunds;
begin
  update payment_refunds set state = the_state, ended_at = clock_timestamp(), answer = left(words, 500), lease_owner = null, lease_until = null
  where refund_id = the_refund and state = 'intent' returning * into refund;
  if not found then return; end if;
  if the_state = 'refused' and refund.user_id is not null then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, refund_id)
    values ('refund-return:' || the_refund, 'refund-return', refund.user_id, 'sys/sales', 'user/' || refund.user_id || '/available',
      refund.credits, 0, the_refund);
  end if;
  -- Nobody has to be told any more whom it was for.
  update payments set telegram_id = null
  where payment_id = refund.payment_id and telegram_id is not null
    and exists (select from people where people.user_id = payments.user_id and people.telegram_id is null);
end $$;
