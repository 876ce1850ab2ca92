-- Every kind of movement of the new money, with the ground it stands on; and debt, which is repaid before anything is spent.

alter table ledger.accounts drop constraint account_name;
alter table ledger.accounts add constraint account_name check (
  case when user_id is null then account_id in ('sys/grants', 'sys/revenue', 'sys/sales', 'sys/writeoff')
  else account_id in ('user/' || user_id || '/available', 'user/' || user_id || '/held', 'user/' || user_id || '/debt') end);
insert into ledger.accounts (account_id) values ('sys/sales'), ('sys/writeoff');
-- What a person owes: a positive figure. A debit raises it and a credit lowers it, so that repaying is one movement out of `available`.
insert into ledger.accounts (account_id, user_id) select 'user/' || user_id || '/debt', user_id from ledger.people;
alter table ledger.accounts add constraint account_debt_has_no_parts check (account_id not like '%/debt' or free_balance = 0);

alter table ledger.transfers
  add column payment_id bigint,
  add column refund_id bigint,
  add column chargeback_of bigint,
  add column promo_code text,
  add column referred_id bigint,
  add column action_id bigint references ledger.admin_actions,
  add column repays bigint references ledger.transfers,
  add constraint transfer_of_payment foreign key (payment_id, user_id, amount) references ledger.payments (payment_id, user_id, credits),
  add constraint transfer_of_refund foreign key (refund_id, user_id, amount) references ledger.payment_refunds (refund_id, user_id, credits),
  add constraint transfer_of_chargeback foreign key (chargeback_of, user_id) references ledger.chargebacks (payment_id, user_id),
  add constraint transfer_of_promo foreign key (promo_code, amount) references ledger.promos (code, credits),
  add constraint transfer_of_referral foreign key (referred_id, user_id) references ledger.people (user_id, referred_by);

-- Grants by hand had the operator's reference as their key; from now on it stands in the row of the action.
alter table ledger.transfers disable trigger user;
insert into ledger.admin_actions (actor, session_role, command, reference, subject, reason, outcome, acted_at)
select 'unknown', 'admin', 'grant', substr(idempotency_key, 7), jsonb_build_object('userId', user_id, 'amount', amount),
  'granted before actions were recorded', jsonb_build_object('outcome', 'granted'), booked_at
from ledger.transfers where kind = 'grant' order by transfer_id;
update ledger.transfers set action_id = admin_actions.action_id, idempotency_key = 'admin:' || admin_actions.action_id
from ledger.admin_actions where kind = 'grant' and idempotency_key = 'admin:' || admin_actions.reference;
alter table ledger.transfers enable trigger user;

alter table ledger.transfers drop constraint transfer_direction;
alter table ledger.transfers
  -- Direction and key are fixed by the kind: a refund to somebody else, or a second one under another key, cannot be expressed.
  add constraint transfer_direction check (coalesce(case kind
    when 'welcome' then idempotency_key = 'welcome:' || user_id
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'referral' then idempotency_key = 'referral:' || referred_id
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'promo' then idempotency_key = 'promo:' || promo_code || ':' || user_id
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'grant' then idempotency_key = 'admin:' || action_id
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'topup' then idempotency_key = 'topup:' || payment_id
      and debit = 'sys/sales' and credit = 'user/' || user_id || '/available'
    when 'hold' then idempotency_key = 'hold:' || order_id
      and debit = 'user/' || user_id || '/available' and credit = 'user/' || user_id || '/held'
    when 'capture' then idempotency_key = 'settle:' || order_id
      and debit = 'user/' || user_id || '/held' and credit = 'sys/revenue'
    when 'release' then idempotency_key = 'settle:' || order_id
      and debit = 'user/' || user_id || '/held' and credit = 'user/' || user_id || '/available'
    when 'refund' then idempotency_key = 'refund:' || refund_id
      and debit = 'user/' || user_id || '/available' and credit = 'sys/sales'
    when 'refund-return' then idempotency_key = 'refund-return:' || refund_id
      and debit = 'sys/sales' and credit = 'user/' || user_id || '/available'
    when 'chargeback' then idempotency_key = 'chargeback:' || chargeback_of
      and debit = 'user/' || user_id || '/available' and credit = 'sys/sales'
    when 'chargeback-debt' then idempotency_key = 'chargeback-debt:' || chargeback_of
      and debit = 'user/' || user_id || '/debt' and credit = 'sys/sales'
    when 'repay' then idempotency_key = 'repay:' || repays
      and debit = 'user/' || user_id || '/available' and credit = 'user/' || user_id || '/debt'
    when 'writeoff' then idempotency_key = 'writeoff:' || action_id
      and debit = 'sys/writeoff' and credit = 'user/' || user_id || '/available'
    when 'forfeit' then idempotency_key ~ ('^forfeit:' || user_id || ':[1-9][0-9]*$')
      and debit = 'user/' || user_id || '/available' and credit = 'sys/writeoff'
  end, false)),
  -- What it stands on, and nothing else.
  add constraint transfer_ground check (
    (order_id is not null) = (kind in ('hold', 'capture', 'release')) and (payment_id is not null) = (kind = 'topup')
    and (refund_id is not null) = (kind in ('refund', 'refund-return'))
    and (chargeback_of is not null) = (kind in ('chargeback', 'chargeback-debt'))
    and (promo_code is not null) = (kind = 'promo') and (referred_id is not null) = (kind = 'referral')
    and (action_id is not null) = (kind in ('grant', 'writeoff')) and (repays is not null) = (kind = 'repay')),
  -- Granted credits are free, bought ones are not, and only bought ones go back as money.
  add constraint transfer_parts check (case
    when kind in ('welcome', 'referral', 'promo', 'grant', 'writeoff') then free_amount = amount
    when kind in ('topup', 'refund', 'refund-return', 'chargeback-debt') then free_amount = 0
    else true end);
create index transfers_of_payment on ledger.transfers (payment_id) where payment_id is not null;
create index transfers_of_refund on ledger.transfers (refund_id) where refund_id is not null;
create index transfers_of_chargeback on ledger.transfers (chargeback_of) where chargeback_of is not null;
create index transfers_of_promo on ledger.transfers (promo_code) where promo_code is not null;

-- Whether the bonus for this referred person is due: their first captured order with bought credits is old enough, and no money of theirs
-- went back.
create function ledger.referral_is_due(referred bigint) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select exists (
      select from holds
      where user_id = referred and state = 'captured' and amount > free_amount
        and settled_at <= clock_timestamp() - make_interval(days => referral_days))
    and not exists (select from payment_refunds where user_id = referred and state <> 'refused')
    and not exists (select from chargebacks where user_id = referred)
  from settings
$$;

create function ledger.guard_new_transfer() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  promo promos;
begin
  case new.kind
    when 'welcome' then
      if new.amount <> (select welcome_credits from settings) then perform refuse('grant_is_the_setting', new.amount::text); end if;
    when 'referral' then
      if new.amount <> (select referral_credits from settings) then perform refuse('grant_is_the_setting', new.amount::text); end if;
      -- So that no refund of the referred person begins meanwhile; the one who was there first is locked first.
      perform from accounts where account_id = 'user/' || new.user_id || '/available' for no key update;
      perform from accounts where account_id = 'user/' || new.referred_id || '/available' for no key update;
      if not referral_is_due(new.referred_id) then perform refuse('referral_has_its_ground', new.referred_id::text); end if;
    when 'promo' then
      select * into promo from promos where code = new.promo_code for no key update;
      if promo.until <= clock_timestamp()
        or promo.uses_limit <= (select count(*) from transfers where promo_code = new.promo_code)
      then perform refuse('promo_is_open', new.promo_code); end if;
    when 'repay' then
      if not exists (
        select from transfers
        where transfer_id = new.repays and credit = 'user/' || new.user_id || '/available' and amount >= new.amount)
      then perform refuse('repay_follows_a_credit', new.repays::text); end if;
    else null;
  end case;
  return new;
end $$;
create trigger guard_new_transfer before insert on ledger.transfers for each row execute function ledger.guard_new_transfer();

create or replace function ledger.post_transfer() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  spendable accounts;
  account record;
  change bigint;
begin
  -- A person's `available` is always locked first: whoever has it sees the person's debt and parts as they are, and two movements of one
  -- person never wait for each other in a circle.
  select * into spendable from accounts where account_id = 'user/' || new.user_id || '/available' for no key update;
  if new.debit = spendable.account_id then perform check_spending(new, spendable); end if;
  for account in
    select account_id, balance, free_balance, version from accounts
    where account_id in (new.debit, new.credit) and user_id is not null
    order by account_id for no key update
  loop
    change := case when (account.account_id = new.debit) = (account.account_id like '%/debt') then 1 else -1 end;
    insert into entries (account_id, version, transfer_id, delta, previous, current, free_delta)
    values (account.account_id, account.version + 1, new.transfer_id, change * new.amount, account.balance,
      account.balance + change * new.amount, case when account.account_id like '%/debt' then 0 else change * new.free_amount end);
    update accounts set balance = balance + change * new.amount, version = version + 1,
      free_balance = free_balance + case when account_id like '%/debt' then 0 else change * new.free_amount end
    where account_id = account.account_id;
  end loop;
  return null;
end $$;

-- Which part a movement out of `available` takes, and whether it may.
create function ledger.check_spending(movement ledger.transfers, spendable ledger.accounts) returns void
language plpgsql set search_path = ledger, pg_temp as $$
begin
  case movement.kind
    when 'hold' then
      if exists (select from accounts where account_id = 'user/' || movement.user_id || '/debt' and balance > 0) then
        perform refuse('hold_needs_no_debt', movement.user_id::text);
      end if;
      if movement.free_amount <> least(movement.amount, spendable.free_balance) then
        perform refuse('hold_spends_free_first', movement.order_id);
      end if;
    when 'repay' then
      if movement.free_amount <> least(movement.amount, spendable.free_balance) then
        perform refuse('repay_spends_free_first', movement.user_id::text);
      end if;
    when 'chargeback' then
      if movement.free_amount <> greatest(0, movement.amount - (spendable.balance - spendable.free_balance)) then
        perform refuse('chargeback_takes_bought_first', movement.user_id::text);
      end if;
    when 'forfeit' then
      if (movement.amount, movement.free_amount) is distinct from (spendable.balance, spendable.free_balance) then
        perform refuse('forfeit_takes_all', movement.user_id::text);
      end if;
    else null;
  end case;
end $$;

-- Whatever brings credits repays debt first, in the same transaction. After `post_transfer`, which comes before it by its name.
create function ledger.repay_debt() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  owed bigint;
  spendable accounts;
begin
  select balance into owed from accounts where account_id = 'user/' || new.user_id || '/debt' for no key update;
  if owed is null or owed = 0 then return null; end if;
  select * into spendable from accounts where account_id = new.credit;
  insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, repays)
  values ('repay:' || new.transfer_id, 'repay', new.user_id, new.credit, 'user/' || new.user_id || '/debt',
    least(owed, new.amount), least(owed, new.amount, spendable.free_balance), new.transfer_id);
  return null;
end $$;
create trigger repay_debt after insert on ledger.transfers for each row
  when (new.credit like 'user/%/available') execute function ledger.repay_debt();

-- At COMMIT: who owes has nothing to spend.
create function ledger.check_debt() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if exists (select from accounts where account_id = 'user/' || new.user_id || '/available' and balance > 0)
    and exists (select from accounts where account_id = 'user/' || new.user_id || '/debt' and balance > 0)
  then perform refuse('debt_is_repaid_first', new.user_id::text); end if;
  return null;
end $$;
create constraint trigger debt_is_repaid_first after update on ledger.accounts
  deferrable initially deferred for each row
  when (new.balance > old.balance and new.account_id not like '%/held') execute function ledger.check_debt();

-- At COMMIT: a payment that is somebody's has its top-up, a refund its credits taken and brought back only when refused, a chargeback all
-- of its credits taken or owed, and whoever forfeits is forgotten.
create function ledger.check_money_rows() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  refund payment_refunds;
  chargeback chargebacks;
begin
  case tg_table_name
    when 'payments' then
      if new.user_id is not null and not exists (select from transfers where payment_id = new.payment_id) then
        perform refuse('payment_has_its_topup', new.charge_id);
      end if;
    when 'chargebacks' then
      if (select coalesce(sum(amount), 0) from transfers where chargeback_of = new.payment_id) <> coalesce(new.credits, 0) then
        perform refuse('chargeback_takes_or_owes_all', new.payment_id::text);
      end if;
    when 'payment_refunds' then
      select * into refund from payment_refunds where refund_id = new.refund_id;
      if refund.user_id is not null and (select coalesce(string_agg(kind, ' ' order by kind), '') from transfers where refund_id = new.refund_id)
        <> (case refund.state when 'refused' then 'refund refund-return' else 'refund' end)
      then perform refuse('refund_matches_its_transfers', new.refund_id::text); end if;
    else
      if new.kind = 'refund-return' and exists (select from payment_refunds where refund_id = new.refund_id and state <> 'refused') then
        perform refuse('refund_returns_when_refused', new.refund_id::text);
      elsif new.kind = 'forfeit' and exists (select from people where user_id = new.user_id and telegram_id is not null) then
        perform refuse('forfeit_by_forgotten_person', new.user_id::text);
      elsif new.chargeback_of is not null then
        select * into chargeback from chargebacks where payment_id = new.chargeback_of;
        if (select sum(amount) from transfers where chargeback_of = new.chargeback_of) <> chargeback.credits then
          perform refuse('chargeback_takes_no_more', new.chargeback_of::text);
        end if;
      end if;
  end case;
  return null;
end $$;
create constraint trigger payment_has_its_topup after insert on ledger.payments
  deferrable initially deferred for each row execute function ledger.check_money_rows();
create constraint trigger chargeback_takes_or_owes_all after insert on ledger.chargebacks
  deferrable initially deferred for each row execute function ledger.check_money_rows();
create constraint trigger refund_matches_its_transfers after insert or update of state on ledger.payment_refunds
  deferrable initially deferred for each row execute function ledger.check_money_rows();
create constraint trigger transfer_matches_its_ground after insert on ledger.transfers
  deferrable initially deferred for each row when (new.kind in ('refund-return', 'forfeit', 'chargeback', 'chargeback-debt'))
  execute function ledger.check_money_rows();

-- Why a confirmed draft is refused: also debt and a ban.
alter table ledger.order_groups drop constraint order_group_refusal;
alter table ledger.order_groups add constraint order_group_refusal check (
  refused in ('InsufficientCredits', 'TooManyOpenOrders', 'NoConsent', 'OrdersPaused', 'PriceChanged', 'InDebt', 'Banned'));
