-- Credits have two parts: free ones (granted) and bought ones (topped up). Only bought ones can be given back as money, so free ones are
-- spent first, and a release restores the parts that were held. One movement stays one row; it says how much of it was free.

-- Everything so far was free. The rows are history, so their guards sleep while the new column is filled in.
alter table ledger.holds add column free_amount bigint;
alter table ledger.holds disable trigger user;
update ledger.holds set free_amount = amount;
alter table ledger.holds enable trigger user;
alter table ledger.holds alter column free_amount set not null,
  add constraint hold_free_part check (free_amount between 0 and amount),
  add constraint hold_parts unique (order_id, user_id, amount, free_amount);

alter table ledger.transfers add column free_amount bigint;
alter table ledger.transfers disable trigger user;
update ledger.transfers set free_amount = amount;
alter table ledger.transfers enable trigger user;
alter table ledger.transfers alter column free_amount set not null,
  add constraint transfer_free_part check (free_amount between 0 and amount),
  drop constraint transfer_of_hold,
  -- The same order, the same person, the same amount in the same parts as the hold, or there is no such row.
  add constraint transfer_of_hold foreign key (order_id, user_id, amount, free_amount)
    references ledger.holds (order_id, user_id, amount, free_amount);

alter table ledger.entries add column free_delta bigint;
alter table ledger.entries disable trigger user;
update ledger.entries set free_delta = delta;
alter table ledger.entries enable trigger user;
alter table ledger.entries alter column free_delta set not null,
  add constraint entry_free_part check (abs(free_delta) <= abs(delta) and free_delta * sign(delta) >= 0);

alter table ledger.accounts add column free_balance bigint not null default 0;
alter table ledger.accounts disable trigger user;
update ledger.accounts set free_balance = balance;
alter table ledger.accounts enable trigger user;
alter table ledger.accounts
  add constraint account_free_part check (free_balance >= 0 and (free_balance <= balance or balance < 0)),
  drop constraint account_system_without_balance,
  add constraint account_system_without_balance check (user_id is not null or (balance = 0 and free_balance = 0 and version = 0));

create or replace function ledger.guard_account() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.balance <> 0 or new.free_balance <> 0 or new.version <> 0 then perform refuse('account_begins_empty', new.account_id); end if;
  elsif pg_trigger_depth() < 2 or new.account_id <> old.account_id or new.version <> old.version + 1
    or new.user_id is distinct from old.user_id then
    perform refuse('account_moves_only_by_transfer', old.account_id);
  end if;
  return new;
end $$;

create or replace function ledger.guard_hold() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  delivery text;
begin
  if (new.order_id, new.user_id, new.amount, new.free_amount, new.held_at)
    is distinct from (old.order_id, old.user_id, old.amount, old.free_amount, old.held_at)
  then perform refuse('hold_facts_stay', old.order_id); end if;
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
