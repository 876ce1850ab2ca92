-- The promises about money, asked of the rows themselves. Every row of this view is a bug.
create view ledger.violations as
  select 'balance' as invariant, account_id as subject, 'the balance is not the sum of its entries' as explanation
  from ledger.accounts
  where user_id is not null and row(balance, version) is distinct from (
    select row(coalesce(sum(delta), 0)::bigint, count(*)) from ledger.entries where entries.account_id = accounts.account_id)
union all
  select 'balance', account_id, 'the balance is negative' from ledger.accounts where balance < 0
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
  where coalesce(accounts.balance, 0) <> (
    select coalesce(sum(amount), 0) from ledger.holds where holds.user_id = people.user_id and holds.state = 'held')
union all
  select 'balance', 'all', 'available + held is not grants - captures'
  where (select coalesce(sum(balance), 0) from ledger.accounts where user_id is not null) <> (
    select coalesce(sum(case when kind in ('welcome', 'grant') then amount when kind = 'capture' then -amount else 0 end), 0)
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

-- Captured videos that the bot can show now: the person is reachable again, or asked for it.
create view ledger.showable as
  select deliveries.*, holds.user_id, holds.settled_at
  from ledger.deliveries join ledger.holds using (order_id) join ledger.people on people.user_id = holds.user_id
  where holds.state = 'captured' and (
    deliveries.state = 'waiting' and (people.unreachable_since is null or deliveries.asked_at is not null)
    or deliveries.state = 'uncertain' and deliveries.asked_at is not null);
