-- People, accounts and money. A row of transfers is one movement from one account to another, so an unbalanced entry cannot be written down.
-- Every rule that credits depend on is a named constraint or trigger here; functions only ask, these tables decide.

create function ledger.refuse(rule text, explanation text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
begin
  raise exception using
    errcode = 'check_violation', constraint = rule, schema = 'ledger', message = format('%s: %s', rule, explanation);
end $$;

create function ledger.refuse_change() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  perform refuse(format('%s_never_%s', tg_table_name, case tg_op when 'UPDATE' then 'changes' else 'vanishes' end),
    'history is added to, never altered');
  return null;
end $$;

create table ledger.settings (
  only_row boolean primary key default true constraint settings_is_one_row check (only_row),
  welcome_credits integer not null default 3 constraint settings_welcome_credits check (welcome_credits between 0 and 1000),
  unit_price integer not null default 1 constraint settings_unit_price check (unit_price between 1 and 1000000),
  open_order_limit integer not null default 5 constraint settings_open_order_limit check (open_order_limit between 0 and 1000),
  live_attempt_limit integer not null default 20 constraint settings_live_attempt_limit check (live_attempt_limit between 0 and 100000),
  accepting_orders boolean not null default true,
  usual_seconds integer not null default 240 constraint settings_usual_seconds check (usual_seconds between 1 and 86400)
);
insert into ledger.settings default values;

-- The only place that knows a Telegram id: a forgotten person keeps the number, and the books stay whole.
create table ledger.people (
  user_id bigint generated always as identity primary key,
  telegram_id bigint constraint people_telegram_id_once unique,
  language text not null constraint people_language check (language in ('ru', 'en')),
  created_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  unreachable_since timestamptz,
  consented_at timestamptz,
  consent_version text,
  constraint people_consent_has_version check ((consented_at is null) = (consent_version is null))
);

-- System accounts keep no running balance: they would be the one row that everybody waits for.
create table ledger.accounts (
  account_id text primary key,
  user_id bigint references ledger.people,
  balance bigint not null default 0,
  version bigint not null default 0,
  constraint account_name check (
    case when user_id is null then account_id in ('sys/grants', 'sys/revenue')
    else account_id in ('user/' || user_id || '/available', 'user/' || user_id || '/held') end),
  constraint account_system_without_balance check (user_id is not null or (balance = 0 and version = 0)),
  constraint account_no_overdraft check (balance >= 0)
);
insert into ledger.accounts (account_id) values ('sys/grants'), ('sys/revenue');

create table ledger.holds (
  order_id text primary key,
  user_id bigint not null references ledger.people,
  amount bigint not null constraint hold_amount_positive check (amount > 0),
  state text not null default 'held' constraint hold_state check (state in ('held', 'captured', 'released')),
  reason text,
  held_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  constraint hold_facts unique (order_id, user_id, amount),
  constraint hold_settled_has_reason check ((state = 'held') = (settled_at is null) and (state = 'held') = (reason is null)),
  constraint hold_reason check (case state
    when 'captured' then reason in ('VideoDelivered', 'RecipientUnreachable', 'DeliveryUnconfirmed', 'Deleted')
    when 'released' then reason in ('ContentRejected', 'PhotoUnsuitable', 'PromptRejected', 'GenerationFailed', 'PodStartFailed',
      'ProviderUnavailable', 'ProviderOutcomeUnknown', 'GenerationDeadlineExceeded', 'WaitedTooLong', 'Cancelled', 'Deleted',
      'InvalidSpec', 'DeliveryFailed')
    else true end)
);
create index holds_open on ledger.holds (held_at) where state = 'held';
create index holds_open_of_person on ledger.holds (user_id) where state = 'held';
create index holds_settled on ledger.holds (settled_at desc) where state <> 'held';

create table ledger.transfers (
  transfer_id bigint generated always as identity primary key,
  idempotency_key text not null constraint transfer_key_once unique,
  kind text not null,
  user_id bigint not null references ledger.people,
  debit text not null references ledger.accounts,
  credit text not null references ledger.accounts,
  amount bigint not null constraint transfer_amount_positive check (amount > 0),
  order_id text,
  booked_at timestamptz not null default clock_timestamp(),
  -- The same order, the same person, the same amount as the hold, or there is no such row.
  constraint transfer_of_hold foreign key (order_id, user_id, amount) references ledger.holds (order_id, user_id, amount),
  -- Direction and key are fixed by the kind: a refund to somebody else, or a second one under another key, cannot be expressed.
  constraint transfer_direction check (coalesce(case kind
    when 'welcome' then order_id is null and idempotency_key = 'welcome:' || user_id
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'grant' then order_id is null and idempotency_key ~ '^admin:.+'
      and debit = 'sys/grants' and credit = 'user/' || user_id || '/available'
    when 'hold' then idempotency_key = 'hold:' || order_id
      and debit = 'user/' || user_id || '/available' and credit = 'user/' || user_id || '/held'
    when 'capture' then idempotency_key = 'settle:' || order_id
      and debit = 'user/' || user_id || '/held' and credit = 'sys/revenue'
    when 'release' then idempotency_key = 'settle:' || order_id
      and debit = 'user/' || user_id || '/held' and credit = 'user/' || user_id || '/available'
  end, false))
);
create unique index one_hold_per_order on ledger.transfers (order_id) where kind = 'hold';
create unique index one_settlement_per_order on ledger.transfers (order_id) where kind in ('capture', 'release');
create index transfers_of_person on ledger.transfers (user_id);

create table ledger.entries (
  account_id text not null references ledger.accounts,
  version bigint not null,
  transfer_id bigint not null references ledger.transfers,
  delta bigint not null,
  previous bigint not null,
  current bigint not null,
  primary key (account_id, version),
  constraint entry_once_per_account unique (transfer_id, account_id),
  constraint entry_adds_up check (current = previous + delta and version > 0)
);

create function ledger.post_transfer() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  account record;
  change bigint;
begin
  -- Sorted, so that two movements of one person never wait for each other in a circle.
  for account in
    select account_id, balance, version from accounts
    where account_id in (new.debit, new.credit) and user_id is not null
    order by account_id for no key update
  loop
    change := case when account.account_id = new.debit then -new.amount else new.amount end;
    insert into entries (account_id, version, transfer_id, delta, previous, current)
    values (account.account_id, account.version + 1, new.transfer_id, change, account.balance, account.balance + change);
    update accounts set balance = account.balance + change, version = account.version + 1
    where account_id = account.account_id;
  end loop;
  return null;
end $$;
create trigger post_transfer after insert on ledger.transfers for each row execute function ledger.post_transfer();

create function ledger.guard_account() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.balance <> 0 or new.version <> 0 then perform refuse('account_begins_empty', new.account_id); end if;
  elsif pg_trigger_depth() < 2 or new.account_id <> old.account_id or new.version <> old.version + 1
    or new.user_id is distinct from old.user_id then
    perform refuse('account_moves_only_by_transfer', old.account_id);
  end if;
  return new;
end $$;
create trigger guard_account before insert or update on ledger.accounts for each row execute function ledger.guard_account();

create function ledger.guard_entry() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if pg_trigger_depth() < 2 then perform refuse('entry_only_by_transfer', new.account_id); end if;
  return new;
end $$;
create trigger guard_entry before insert on ledger.entries for each row execute function ledger.guard_entry();

-- At COMMIT: one hold transfer; a settled hold has exactly its one settlement, an open one has none.
create function ledger.check_hold_transfers() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  hold holds;
  taken text[];
begin
  if new.order_id is null then return null; end if;
  select * into hold from holds where order_id = new.order_id;
  select array_agg(kind order by kind desc) into taken from transfers where order_id = new.order_id;
  if taken is distinct from (case hold.state
    when 'held' then array['hold'] when 'captured' then array['hold', 'capture'] else array['release', 'hold'] end)
  then perform refuse('hold_matches_its_transfers', format('order %s is %s with %s', new.order_id, hold.state, taken)); end if;
  return null;
end $$;
create constraint trigger hold_matches_its_transfers after insert or update on ledger.holds
  deferrable initially deferred for each row execute function ledger.check_hold_transfers();
create constraint trigger transfers_match_their_hold after insert on ledger.transfers
  deferrable initially deferred for each row execute function ledger.check_hold_transfers();

create trigger transfers_append_only before update or delete on ledger.transfers for each row execute function ledger.refuse_change();
create trigger transfers_no_truncate before truncate on ledger.transfers execute function ledger.refuse_change();
create trigger entries_append_only before update or delete on ledger.entries for each row execute function ledger.refuse_change();
create trigger entries_no_truncate before truncate on ledger.entries execute function ledger.refuse_change();
create trigger accounts_stay before delete on ledger.accounts for each row execute function ledger.refuse_change();
create trigger accounts_no_truncate before truncate on ledger.accounts execute function ledger.refuse_change();
create trigger holds_stay before delete on ledger.holds for each row execute function ledger.refuse_change();
create trigger holds_no_truncate before truncate on ledger.holds execute function ledger.refuse_change();
create trigger people_stay before delete on ledger.people for each row execute function ledger.refuse_change();
create trigger people_no_truncate before truncate on ledger.people execute function ledger.refuse_change();
create trigger settings_stay before delete on ledger.settings for each row execute function ledger.refuse_change();
