-- A charge that was told before: the same again, or a conflict, which is kept for whoever is alerted.
create function ledger.known_payment(payment ledger.payments, said jsonb) returns jsonb
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if same_payment(payment, said) then return payment_json('exists', payment); end if;
  insert into payment_conflicts (charge_id, said) values (payment.charge_id, said) on conflict on constraint payment_conflict_once do nothing;
  return payment_json('conflict', payment);
end $$;
