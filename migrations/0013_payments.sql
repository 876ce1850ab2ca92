-- Money from outside: what is sold, what was offered to whom, what was paid, and what went back.

-- A version never changes; another price is another version. Whether it is offered may change.
create table ledger.packages (
  package_id text constraint package_letters check (package_id ~ '^[a-z0-9-]{1,32}$'),
  version integer constraint package_version check (version > 0),
  credits bigint not null constraint package_credits_positive check (credits between 1 and 100000),
  stars bigint not null constraint package_stars_positive check (stars between 1 and 1000000),
  offered boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  primary key (package_id, version),
  constraint package_facts unique (package_id, version, credits, stars)
);
create unique index one_offered_version on ledger.packages (package_id) where offered;
create function ledger.guard_package() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if to_jsonb(new) - 'offered' <> to_jsonb(old) - 'offered' then perform refuse('package_facts_stay', old.package_id); end if;
  return new;
end $$;
create trigger guard_package before update on ledger.packages for each row execute function ledger.guard_package();

-- A row before anything is shown to the person; its id is the payload of Telegram's invoice.
create table ledger.invoices (
  invoice_id text primary key default ledger.random_word(20) constraint invoice_letters check (invoice_id ~ '^[a-z2-7]{20}$'),
  user_id bigint not null references ledger.people,
  package_id text not null,
  package_version integer not null,
  credits bigint not null,
  stars bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null constraint invoice_expires_later check (expires_at > created_at),
  constraint invoice_of_package foreign key (package_id, package_version, credits, stars)
    references ledger.packages (package_id, version, credits, stars),
  constraint invoice_facts unique (invoice_id, user_id, credits, stars)
);
create index invoices_of_person on ledger.invoices (user_id);

-- Every payment that Telegram told of, whether or not it is one we can book: money that came is never refused.
create table ledger.payments (
  payment_id bigint generated always as identity primary key,
  charge_id text not null constraint payment_charge_once unique constraint payment_charge check (charge_id <> ''),
  -- Null on what is unmatched: it belongs to nobody yet.
  invoice_id text constraint payment_of_invoice_once unique,
  user_id bigint,
  credits bigint,
  -- Null once that person was forgotten.
  telegram_id bigint,
  currency text not null,
  stars bigint not null,
  said_invoice text,
  received_at timestamptz not null default clock_timestamp(),
  source text not null constraint payment_source check (source in ('update', 'reconciliation')),
  unmatched text constraint payment_unmatched check (unmatched in (
    'unknown-invoice', 'paid', 'other-person', 'other-amount', 'other-currency', 'refunded-first')),
  constraint payment_matched_or_not check (num_nonnulls(invoice_id, user_id, credits) = case when unmatched is null then 3 else 0 end),
  constraint payment_in_stars check (unmatched is not null or currency = 'XTR'),
  -- That very person, those credits, that price, or the payment is unmatched.
  constraint payment_of_invoice foreign key (invoice_id, user_id, credits, stars)
    references ledger.invoices (invoice_id, user_id, credits, stars),
  constraint payment_facts unique (payment_id, user_id, credits)
);
create index payments_of_person on ledger.payments (user_id) where user_id is not null;
create index payments_unmatched on ledger.payments (received_at) where unmatched is not null;

-- The same charge told with other facts: kept, alerted, and nothing booked by it.
create table ledger.payment_conflicts (
  conflict_id bigint generated always as identity primary key,
  charge_id text not null,
  said jsonb not null,
  noted_at timestamptz not null default clock_timestamp(),
  constraint payment_conflict_once unique (charge_id, said)
);

-- What a person of ours did about an unmatched payment or a conflict, so that the alarm ends.
create table ledger.payment_resolutions (
  action_id bigint primary key references ledger.admin_actions,
  charge_id text not null,
  resolved_at timestamptz not null default clock_timestamp()
);
create index resolutions_of_charge on ledger.payment_resolutions (charge_id);

-- A payment given back by us: credits first, Stars second.
create table ledger.payment_refunds (
  refund_id bigint generated always as identity primary key,
  payment_id bigint not null references ledger.payments,
  -- As in the payment; null where it is unmatched, and then no credits leave.
  user_id bigint,
  credits bigint,
  state text not null default 'intent' constraint refund_state check (state in ('intent', 'done', 'refused')),
  action_id bigint not null constraint refund_action_once unique references ledger.admin_actions,
  requested_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  lease_owner text,
  lease_until timestamptz,
  ended_at timestamptz,
  answer text constraint refund_answer check (length(answer) <= 500),
  constraint refund_end_has_time check ((state = 'intent') = (ended_at is null)),
  constraint refund_facts unique (refund_id, user_id, credits)
);
create unique index one_refund_per_payment on ledger.payment_refunds (payment_id) where state <> 'refused';
create index refunds_due on ledger.payment_refunds (due_at) where state = 'intent';

-- A payment that the store took back without us. It cannot be refused: what is not there any more is owed.
create table ledger.chargebacks (
  payment_id bigint primary key references ledger.payments,
  user_id bigint,
  credits bigint,
  noted_at timestamptz not null default clock_timestamp(),
  source text not null constraint chargeback_source check (source in ('update', 'reconciliation')),
  constraint chargeback_facts unique (payment_id, user_id)
);

-- What somebody of us has to look at: money that came and is nobody's, or that was told of in two ways.
create view ledger.unresolved_payments as
  select charge_id, received_at as since, unmatched as because
  from ledger.payments
  where unmatched is not null
    and not exists (select from ledger.chargebacks where chargebacks.payment_id = payments.payment_id)
    and not exists (
      select from ledger.payment_refunds where payment_refunds.payment_id = payments.payment_id and state <> 'refused')
    and not exists (select from ledger.payment_resolutions where payment_resolutions.charge_id = payments.charge_id)
union all
  select charge_id, noted_at, 'conflict'
  from ledger.payment_conflicts
  where not exists (
    select from ledger.payment_resolutions
    where payment_resolutions.charge_id = payment_conflicts.charge_id and resolved_at > noted_at);

create function ledger.guard_payment() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if to_jsonb(new) - 'telegram_id' <> to_jsonb(old) - 'telegram_id' then perform refuse('payment_facts_stay', old.charge_id); end if;
  if new.telegram_id is distinct from old.telegram_id and (new.telegram_id is not null or not exists (
    select from people where user_id = old.user_id and telegram_id is null))
  then perform refuse('payment_of_forgotten_person_loses_its_telegram_id', old.charge_id); end if;
  return new;
end $$;
create trigger guard_payment before update on ledger.payments for each row execute function ledger.guard_payment();

-- Both ways back take all of the payment, and only one of them is ever taken.
create function ledger.guard_way_back() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  payment payments;
begin
  select * into payment from payments where payment_id = new.payment_id for no key update;
  if (new.user_id, new.credits) is distinct from (payment.user_id, payment.credits) then
    perform refuse('payment_goes_back_whole', new.payment_id::text);
  end if;
  if tg_table_name = 'payment_refunds' then
    if new.state <> 'intent' then perform refuse('refund_begins_as_intent', new.payment_id::text); end if;
    if exists (select from chargebacks where payment_id = new.payment_id) then
      perform refuse('payment_goes_back_once', new.payment_id::text);
    end if;
  elsif exists (select from payment_refunds where payment_id = new.payment_id and state <> 'refused') then
    perform refuse('payment_goes_back_once', new.payment_id::text);
  end if;
  return new;
end $$;
create trigger guard_new_refund before insert on ledger.payment_refunds for each row execute function ledger.guard_way_back();
create trigger guard_new_chargeback before insert on ledger.chargebacks for each row execute function ledger.guard_way_back();

create function ledger.guard_refund() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  moving text[] := array['state', 'tries', 'due_at', 'lease_owner', 'lease_until', 'ended_at', 'answer'];
begin
  if to_jsonb(new) - moving <> to_jsonb(old) - moving then perform refuse('refund_facts_stay', old.refund_id::text); end if;
  if old.state <> 'intent' and new is distinct from old then perform refuse('refund_ends_once', old.refund_id::text); end if;
  return new;
end $$;
create trigger guard_refund before update on ledger.payment_refunds for each row execute function ledger.guard_refund();

create trigger packages_stay before delete on ledger.packages for each row execute function ledger.refuse_change();
create trigger packages_no_truncate before truncate on ledger.packages execute function ledger.refuse_change();
create trigger invoices_append_only before update or delete on ledger.invoices for each row execute function ledger.refuse_change();
create trigger invoices_no_truncate before truncate on ledger.invoices execute function ledger.refuse_change();
create trigger payments_stay before delete on ledger.payments for each row execute function ledger.refuse_change();
create trigger payments_no_truncate before truncate on ledger.payments execute function ledger.refuse_change();
create trigger payment_conflicts_append_only before update or delete on ledger.payment_conflicts
  for each row execute function ledger.refuse_change();
create trigger payment_conflicts_no_truncate before truncate on ledger.payment_conflicts execute function ledger.refuse_change();
create trigger payment_resolutions_append_only before update or delete on ledger.payment_resolutions
  for each row execute function ledger.refuse_change();
create trigger payment_resolutions_no_truncate before truncate on ledger.payment_resolutions execute function ledger.refuse_change();
create trigger payment_refunds_stay before delete on ledger.payment_refunds for each row execute function ledger.refuse_change();
create trigger payment_refunds_no_truncate before truncate on ledger.payment_refunds execute function ledger.refuse_change();
create trigger chargebacks_append_only before update or delete on ledger.chargebacks for each row execute function ledger.refuse_change();
create trigger chargebacks_no_truncate before truncate on ledger.chargebacks execute function ledger.refuse_change();
