-- What stands between a hold and its end, and who hears of it.

create function ledger.guard_hold() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  delivery text;
begin
  if (new.order_id, new.user_id, new.amount, new.held_at) is distinct from (old.order_id, old.user_id, old.amount, old.held_at) then
    perform refuse('hold_facts_stay', old.order_id);
  end if;
  if old.state <> 'held' then
    if new is distinct from old then perform refuse('hold_settled_once', old.order_id); end if;
    return new;
  end if;
  if new.state = 'held' then return new; end if;
  select state into delivery from deliveries where order_id = new.order_id;
  if new.state = 'captured' then
    if delivery is null or delivery not in ('shown', 'waiting', 'uncertain') then
      perform refuse('capture_needs_shown_or_kept_video', new.order_id);
    end if;
    return new;
  end if;
  if exists (select from attempts where order_id = new.order_id and state in ('ready', 'intent', 'unknown', 'accepted')) then
    perform refuse('release_leaves_no_live_attempt', new.order_id);
  end if;
  if exists (select from attempts where order_id = new.order_id and state = 'succeeded') and delivery is distinct from 'refused' then
    perform refuse('release_needs_refused_delivery', new.order_id);
  end if;
  -- Also an edit whose answer nobody knows may be on the person's screen.
  if exists (select from delivery_edits where order_id = new.order_id and answer is distinct from 'refused') then
    perform refuse('release_needs_every_edit_refused', new.order_id);
  end if;
  return new;
end $$;
create trigger guard_hold before update on ledger.holds for each row execute function ledger.guard_hold();

create function ledger.guard_new_hold() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if new.state <> 'held' then perform refuse('hold_begins_held', new.order_id); end if;
  return new;
end $$;
create trigger guard_new_hold before insert on ledger.holds for each row execute function ledger.guard_new_hold();

-- At COMMIT: a video that is shown, or kept for its person, is paid for.
create function ledger.check_delivery_settled() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if exists (
    select from deliveries join holds using (order_id)
    where order_id = new.order_id and deliveries.state in ('shown', 'waiting', 'uncertain') and holds.state <> 'captured')
  then perform refuse('shown_or_kept_is_captured', new.order_id); end if;
  return null;
end $$;
create constraint trigger shown_or_kept_is_captured after update of state on ledger.deliveries
  deferrable initially deferred for each row execute function ledger.check_delivery_settled();

-- Everybody who waits for an order hears of it when the transaction commits; repeated notifications of one transaction are one.
create function ledger.tell_of_change() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  update orders set changed_at = clock_timestamp() where order_id = new.order_id;
  perform pg_notify('neurocards_orders', new.order_id);
  return null;
end $$;
create trigger tell_of_settlement after update of state on ledger.holds for each row execute function ledger.tell_of_change();
create trigger tell_of_new_attempt after insert on ledger.attempts for each row execute function ledger.tell_of_change();
create trigger tell_of_attempt after update on ledger.attempts for each row
  when ((new.state, new.not_before, new.task_id, new.failure_class, new.followed)
    is distinct from (old.state, old.not_before, old.task_id, old.failure_class, old.followed))
  execute function ledger.tell_of_change();
create trigger tell_of_new_delivery after insert on ledger.deliveries for each row execute function ledger.tell_of_change();
create trigger tell_of_delivery after update on ledger.deliveries for each row
  when ((new.state, new.not_before, new.refused_at) is distinct from (old.state, old.not_before, old.refused_at))
  execute function ledger.tell_of_change();
create trigger tell_of_execution after insert or update of leased_at, ended_at on ledger.executions
  for each row execute function ledger.tell_of_change();
create trigger tell_of_pause after insert or update on ledger.pauses for each row execute function ledger.tell_of_change();

create function ledger.tell_of_order() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform pg_notify('neurocards_relay', new.order_id);
  elsif (new.claimed_by, new.admitted_at) is distinct from (old.claimed_by, old.admitted_at) then
    new.changed_at := clock_timestamp();
    perform pg_notify('neurocards_orders', new.order_id);
  end if;
  return new;
end $$;
create trigger tell_of_order before insert or update on ledger.orders for each row execute function ledger.tell_of_order();

-- What a person is told. Written in the transaction of the fact; the bot alone sends.
create table ledger.notices (
  notice_id bigint generated always as identity primary key,
  order_id text not null references ledger.orders,
  chat_id bigint not null,
  kind text not null constraint notice_kind check (kind in ('progress', 'slow', 'delivered', 'failed', 'unconfirmed')),
  fact jsonb not null default '{}',
  written_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  lease_owner text,
  lease_until timestamptz,
  ended_at timestamptz,
  ending text constraint notice_ending check (ending in ('sent', 'unreachable', 'gone', 'unknown', 'dropped', 'replaced')),
  constraint notice_end_has_time check ((ended_at is null) = (ending is null))
);
create index notices_open on ledger.notices (chat_id, notice_id) where ended_at is null;
create index notices_of_order on ledger.notices (order_id);
create unique index one_outcome_notice_per_order on ledger.notices (order_id, kind) where kind <> 'progress';

create function ledger.tell_of_notice() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  perform pg_notify('neurocards_notices', new.order_id);
  return null;
end $$;
create trigger tell_of_notice after insert on ledger.notices for each row execute function ledger.tell_of_notice();

-- The provider's limit of creates, per key: the instants of the newest ones.
create table ledger.submit_tokens (
  provider text primary key,
  taken timestamptz[] not null default '{}'
);

-- What runners asked of the outside, so that the controller can export it.
create table ledger.request_counts (
  target text not null constraint request_target check (target in ('provider', 'telegram', 'prompter', 'storage')),
  operation text not null constraint request_operation check (length(operation) between 1 and 64),
  class text not null constraint request_class check (length(class) between 1 and 64),
  count bigint not null,
  primary key (target, operation, class)
);
