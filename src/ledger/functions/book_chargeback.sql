-- Takes what is available, bought credits first, and books the rest as debt. The caller holds the payment's lock.
create function ledger.book_chargeback(payment ledger.payments, the_source text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  spendable accounts;
  taken bigint;
begin
  insert into chargebacks (payment_id, user_id, credits, source) values (payment.payment_id, payment.user_id, payment.credits, the_source);
  if payment.user_id is null then return; end if;
  select * into spendable from accounts where account_id = 'user/' || payment.user_id || '/available' for no key update;
  taken := least(payment.credits, spendable.balance);
  if taken > 0 then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, chargeback_of)
    values ('chargeback:' || payment.payment_id, 'chargeback', payment.user_id, spendable.account_id, 'sys/sales', taken,
      greatest(0, taken - (spendable.balance - spendable.free_balance)), payment.payment_id);
  end if;
  if taken < payment.credits then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, chargeback_of)
    values ('chargeback-debt:' || payment.payment_id, 'chargeback-debt', payment.user_id, 'user/' || payment.user_id || '/debt', 'sys/sales',
      payment.credits - taken, 0, payment.payment_id);
  end if;
end $$;
