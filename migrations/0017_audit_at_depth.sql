-- The same questions of the audit, asked of whole tables at once: row by row they took longer the more had ever been booked, until the
-- audit of every minute would not have ended within one.
create or replace view ledger.violations_of_holds as
  select 'balance' as invariant, account_id as subject, 'the balance is not the sum of its entries' as explanation
  from ledger.accounts left join (
    select account_id, sum(delta) as total, sum(free_delta) as free_total, count(*) as number from ledger.entries group by account_id
  ) as moved using (account_id)
  where user_id is not null
    and (balance, free_balance, version) is distinct from (coalesce(total, 0), coalesce(free_total, 0), coalesce(number, 0))
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
  from ledger.transfers left join (
    select transfer_id, sum(abs(delta)) as total from ledger.entries group by transfer_id
  ) as moved using (transfer_id)
  where coalesce(total, 0) <> amount * ((debit like 'user/%')::int + (credit like 'user/%')::int)
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
  from ledger.holds left join (
    select order_id, count(*) filter (where kind = 'hold') as begun, string_agg(kind, ',') filter (where kind <> 'hold') as ended
    from ledger.transfers where order_id is not null group by order_id
  ) as moved using (order_id)
  where coalesce(begun, 0) <> 1
    or coalesce(ended, 'hold') <> case state when 'held' then 'hold' when 'captured' then 'capture' else 'release' end
union all
  select 'settled_once', holds.order_id, 'settled with a live attempt'
  from ledger.holds join ledger.attempts using (order_id)
  where holds.state <> 'held' and attempts.state in ('ready', 'intent', 'unknown', 'accepted')
union all
  select 'settled_once', 'group ' || group_id, 'a group with some of its orders'
  from ledger.order_groups left join (select group_id, count(*) as number from ledger.orders group by group_id) as placed using (group_id)
  where coalesce(number, 0) <> case when refused is null then count else 0 end
union all
  select 'paid_tasks', order_id, 'more submits that were not surely refused than 1 + confirmed failures'
  from (
    select order_id, count(*) as number from ledger.submit_nonces join ledger.attempts using (attempt_id)
    where submit_nonces.answer is distinct from 'refused' group by order_id
  ) as submits left join (
    select order_id, count(*) as number from ledger.attempts where state = 'failed' group by order_id
  ) as failures using (order_id)
  where submits.number > 1 + coalesce(failures.number, 0)
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
