-- The promises about money, now also about parts, debt, payments and grants. Every row is a bug.

create or replace view ledger.violations_of_holds as
  select 'balance' as invariant, account_id as subject, 'the balance is not the sum of its entries' as explanation
  from ledger.accounts
  where user_id is not null and row(balance, free_balance, version) is distinct from (
    select row(coalesce(sum(delta), 0)::bigint, coalesce(sum(free_delta), 0)::bigint, count(*))
    from ledger.entries where entries.account_id = accounts.account_id)
union all
  select 'balance', account_id, 'the balance, or a part of it, is negative'
  from ledger.accounts where balance < 0 or free_balance not between 0 and balance
union all
  select 'balance', entries.account_id, 'an entry does not go on from the one before it'
  from ledger.entries left join ledger.entries as before
    on before.account_id = entries.account_id and before.version = entries.version - 1
  where entries.previous <> coalesce(before.current, 0) or (entries.version > 1 and before.version is null)
union all
  select 'balance', transfer_id::text, 'a transfer and its entries differ'
  from ledger.transfers
  where (
    select coalesce(sum(abs(delta)), 0) from ledger.entries where entries.transfer_id = transfers.transfer_id)
    <> amount * ((debit like 'user/%')::int + (credit like 'user/%')::int)
union all
  select 'balance', 'user/' || people.user_id || '/held', 'held credits are not those of the open holds'
  from ledger.people left join ledger.accounts on accounts.account_id = 'user/' || people.user_id || '/held'
  where row(coalesce(accounts.balance, 0), coalesce(accounts.free_balance, 0)) is distinct from (
    select row(coalesce(sum(amount), 0)::bigint, coalesce(sum(free_amount), 0)::bigint)
    from ledger.holds where holds.user_id = people.user_id and holds.state = 'held')
union all
  select 'balance', 'all', 'available + held - debt is not what came in - what went out'
  where (select coalesce(sum(case when account_id like '%/debt' then -balance else balance end), 0) from ledger.accounts where user_id is not null)
    <> (select coalesce(sum(amount) filter (where kind in ('welcome', 'referral', 'promo', 'grant', 'topup', 'refund-return', 'writeoff')), 0)
      - coalesce(sum(amount) filter (where kind in ('capture', 'refund', 'chargeback', 'chargeback-debt', 'forfeit')), 0)
      from ledger.transfers)
union all
  select 'settled_once', order_id, 'the hold is ' || state || ' and its transfers say otherwise'
  from ledger.holds
  where (select count(*) from ledger.transfers where transfers.order_id = holds.order_id and kind = 'hold') <> 1
    or (select coalesce(string_agg(kind, ','), 'hold') from ledger.transfers
        where transfers.order_id = holds.order_id and kind <> 'hold')
      <> case state when 'held' then 'hold' when 'captured' then 'capture' else 'release' end
union all
  select 'settled_once', holds.order_id, 'settled with a live attempt'
  from ledger.holds join ledger.attempts using (order_id)
  where holds.state <> 'held' and attempts.state in ('ready', 'intent', 'unknown', 'accepted')
union all
  select 'settled_once', 'group ' || group_id, 'a group with some of its orders'
  from ledger.order_groups
  where (select count(*) from ledger.orders where orders.group_id = order_groups.group_id)
    <> case when refused is null then count else 0 end
union all
  select 'paid_tasks', orders.order_id, 'more submits that were not surely refused than 1 + confirmed failures'
  from ledger.orders
  where (
    select count(*) from ledger.submit_nonces join ledger.attempts using (attempt_id)
    where attempts.order_id = orders.order_id and submit_nonces.answer is distinct from 'refused')
    > 1 + (select count(*) from ledger.attempts where attempts.order_id = orders.order_id and state = 'failed')
union all
  select 'paid_tasks', order_id, 'a submit without a claim'
  from ledger.orders
  where claimed_by is null and exists (
    select from ledger.submit_nonces join ledger.attempts using (attempt_id) where attempts.order_id = orders.order_id)
union all
  select 'paid_tasks', nonce, 'a task for a submit that was answered as surely refused'
  from ledger.submit_nonces join ledger.attempts using (attempt_id)
  where submit_nonces.task_id is not null and attempts.task_id is distinct from submit_nonces.task_id
union all
  select 'captured_not_kept', order_id, 'captured, and neither shown nor kept'
  from ledger.holds
  where state = 'captured' and not exists (
    select from ledger.deliveries join ledger.attempts using (order_id)
    where deliveries.order_id = holds.order_id and deliveries.state in ('shown', 'waiting', 'uncertain')
      and attempts.state = 'succeeded' and attempts.video_key is not null)
union all
  select 'released_but_shown', order_id, 'released, and the video is or may be on the screen'
  from ledger.holds
  where state = 'released' and (
    exists (select from ledger.deliveries where deliveries.order_id = holds.order_id and deliveries.state <> 'refused')
    or exists (select from ledger.delivery_edits where delivery_edits.order_id = holds.order_id and answer is distinct from 'refused'))
union all
  select 'released_but_shown', order_id, 'shown or kept, and not captured'
  from ledger.deliveries join ledger.holds using (order_id)
  where deliveries.state in ('shown', 'waiting', 'uncertain') and holds.state <> 'captured';

create view ledger.violations_of_money as
  select 'debt' as invariant, debt.account_id as subject, 'credits are available while something is owed' as explanation
  from ledger.accounts as debt join ledger.accounts as available
    on debt.user_id = available.user_id and debt.account_id like '%/debt' and available.account_id like '%/available'
  where debt.balance > 0 and available.balance > 0
union all
  select 'balance', order_id, 'the parts of the settlement are not those of the hold'
  from ledger.transfers join ledger.holds using (order_id)
  where transfers.free_amount <> holds.free_amount or transfers.amount <> holds.amount or transfers.user_id <> holds.user_id
union all
  select 'payments', charge_id, 'paid, and not topped up once'
  from ledger.payments
  where (select count(*) from ledger.transfers where transfers.payment_id = payments.payment_id and kind = 'topup'
      and transfers.user_id = payments.user_id and transfers.amount = payments.credits)
    <> case when user_id is null then 0 else 1 end
union all
  select 'payments', transfer_id::text, 'topped up without a payment'
  from ledger.transfers where kind = 'topup' and not exists (
    select from ledger.payments where payments.payment_id = transfers.payment_id and payments.user_id = transfers.user_id)
union all
  select 'payments', invoice_id, 'an invoice paid more than once'
  from ledger.payments where invoice_id is not null group by invoice_id having count(*) > 1
union all
  select 'payments', charge_id, 'a charge booked more than once'
  from ledger.payments group by charge_id having count(*) > 1
union all
  select 'payments', 'refund ' || refund_id, 'the credits of a refund did not leave, or did not come back when it was refused'
  from ledger.payment_refunds
  where (select count(*) from ledger.transfers where transfers.refund_id = payment_refunds.refund_id and kind = 'refund')
      <> case when user_id is null then 0 else 1 end
    or (select count(*) from ledger.transfers where transfers.refund_id = payment_refunds.refund_id and kind = 'refund-return')
      <> case when user_id is not null and state = 'refused' then 1 else 0 end
union all
  select 'payments', 'payment ' || payment_id, 'given back more than once'
  from (
    select payment_id from ledger.payment_refunds where state <> 'refused' union all select payment_id from ledger.chargebacks
  ) as ways group by payment_id having count(*) > 1
union all
  select 'payments', 'payment ' || payment_id, 'charged back, and its credits are neither taken nor owed'
  from ledger.chargebacks
  where coalesce(credits, 0) <> (
    select coalesce(sum(amount), 0) from ledger.transfers where transfers.chargeback_of = chargebacks.payment_id)
union all
  select 'grants', 'referral ' || referred_id, 'a bonus without its ground, or more than one'
  from (
    select referred_id, min(user_id) as user_id, min(booked_at) as booked_at, count(*) as number
    from ledger.transfers where kind = 'referral' group by referred_id
  ) as bonuses
  where number > 1
    or not exists (
      select from ledger.people where people.user_id = bonuses.referred_id and people.referred_by = bonuses.user_id)
    or not exists (
      select from ledger.holds
      where holds.user_id = bonuses.referred_id and state = 'captured' and amount > free_amount and settled_at < bonuses.booked_at)
union all
  select 'grants', promo_code || ' ' || user_id, 'a code used more than once'
  from ledger.transfers where kind = 'promo' group by promo_code, user_id having count(*) > 1
union all
  select 'grants', 'action ' || action_id, 'an action booked more than once'
  from ledger.transfers where action_id is not null group by action_id having count(*) > 1
union all
  select 'grants', transfer_id::text, 'repaid more than it brought'
  from ledger.transfers where kind = 'repay' and not exists (
    select from ledger.transfers as credit
    where credit.transfer_id = transfers.repays and credit.user_id = transfers.user_id and credit.amount >= transfers.amount);

create or replace view ledger.violations as
  select invariant, subject, explanation from ledger.violations_of_holds
union all
  select 'balance', 'user ' || user_id, 'welcomed more than once'
  from ledger.transfers where kind = 'welcome' group by user_id having count(*) > 1
union all
  select 'paid_tasks', order_id, 'more than one live attempt'
  from ledger.attempts where state in ('ready', 'intent', 'unknown', 'accepted', 'succeeded') group by order_id having count(*) > 1
union all
  select 'paid_tasks', attempts.order_id, 'the provider made another task of a submit than the one we know'
  from ledger.task_hints join ledger.submit_nonces using (nonce) join ledger.attempts using (attempt_id)
  where task_hints.verdict = 'ours' and task_hints.task_id is distinct from submit_nonces.task_id
union all
  select invariant, subject, explanation from ledger.violations_of_money;
