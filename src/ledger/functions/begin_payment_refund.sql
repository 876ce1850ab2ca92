-- Gives a payment back: its credits leave `available` now, or it is refused; the Stars follow. An unmatched payment brought no credits, so
-- only the Stars go.
create function ledger.begin_payment_refund(the_charge text, the_reference text, the_actor text, the_reason text, dry_run boolean)
returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  payment payments;
  refund payment_refunds;
  spendable accounts;
  because text;
  action record;
begin
  select * into payment from payments where charge_id = the_charge for no key update;
  select * into refund from payment_refunds where payment_id = payment.payment_id and state <> 'refused';
  if refund.refund_id is not null then return refund_json('exists', null, payment, refund); end if;
  select * into spendable from accounts where account_id = 'user/' || payment.user_id || '/available' for no key update;
  because := case
    when payment.payment_id is null then 'unknown-payment'
    when exists (select from chargebacks where payment_id = payment.payment_id) then 'charged-back'
    when payment.telegram_id is null and not exists (
      select from people where user_id = payment.user_id and telegram_id is not null) then 'forgotten'
    when payment.credits > spendable.balance - spendable.free_balance then 'spent' end;
  if dry_run then
    return refund_json(case when because is null then 'would-begin' else 'refused' end, because, payment, refund);
  end if;
  if because is not null then
    perform record_action(the_actor, 'payment refund', null, jsonb_build_object('chargeId', the_charge, 'reference', the_reference),
      the_reason, jsonb_build_object('outcome', 'refused', 'because', because));
    return refund_json('refused', because, payment, refund);
  end if;
  select * into action from record_action(the_actor, 'payment refund', the_reference, jsonb_build_object('chargeId', the_charge), the_reason,
    jsonb_build_object('outcome', 'intent'));
  if not action.made then
    -- That order was carried out, and Telegram refused it: another refund takes another reference.
    select * into refund from payment_refunds where action_id = action.action_id;
    return refund_json('exists', null, payment, refund);
  end if;
  insert into payment_refunds (payment_id, user_id, credits, action_id)
  values (payment.payment_id, payment.user_id, payment.credits, action.action_id) returning * into refund;
  if payment.user_id is not null then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, refund_id)
    values ('refund:' || refund.refund_id, 'refund', payment.user_id, spendable.account_id, 'sys/sales', payment.credits, 0, refund.refund_id);
  end if;
  perform tell('neurocards_payment_refunds', refund.refund_id::text);
  return refund_json('intent', null, payment, refund);
end $$;
grant execute on function ledger.begin_payment_refund to admin;
