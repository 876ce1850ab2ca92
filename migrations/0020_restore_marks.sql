-- A restore is detected, not declared. PostgreSQL and the cluster each remember how far the other had come; where one of them has come
-- less far than the other remembers, it forgot something, and nothing new may begin before a person has looked.

create table ledger.restore_marks (
  only_row boolean primary key default true constraint restore_marks_is_one_row check (only_row),
  -- `resolved`: an operator has ended audit mode, and the cluster's mark is still of the epoch before.
  state text not null default 'marking' constraint restore_marks_state check (state in ('marking', 'audit', 'resolved')),
  epoch bigint not null default 1,
  -- The number that may stand in the cluster's mark, and the one that surely does.
  proposed bigint not null default 0,
  confirmed bigint not null default 0,
  marked_at timestamptz,
  system_identifier text,
  -- The start of this server and this very database that a controller compared with its memory; null before the first one.
  incarnation text,
  cause text constraint restore_marks_cause check (cause in ('database-forgot', 'cluster-forgot', 'other-database')),
  explanation text,
  entered_at timestamptz,
  constraint restore_marks_counters check (proposed in (confirmed, confirmed + 1)),
  constraint restore_marks_audit_has_cause check (state <> 'audit' or (cause is not null and entered_at is not null))
);
insert into ledger.restore_marks default values;

create function ledger.guard_restore_marks() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if new.epoch < old.epoch or new.confirmed < old.confirmed or new.proposed < old.proposed
    or old.state = 'audit' and new.state <> 'audit' and new.epoch = old.epoch
  then perform refuse('restore_marks_only_rise', 'audit mode ends with a new epoch, and no mark goes back'); end if;
  return new;
end $$;
create trigger guard_restore_marks before update on ledger.restore_marks for each row execute function ledger.guard_restore_marks();
create trigger restore_marks_stay before delete on ledger.restore_marks for each row execute function ledger.refuse_change();
create trigger restore_marks_no_truncate before truncate on ledger.restore_marks execute function ledger.refuse_change();

-- An open order whose VideoJob was lost with the cluster's memory: the relay posts it again, and the object that then has the right
-- content claims it. Without a new UID it still waits for that. A former UID never comes back.
create table ledger.reclaims (
  order_id text not null references ledger.orders,
  generation integer not null constraint reclaim_generation check (generation > 0),
  former_uid text not null,
  new_uid text,
  opened_at timestamptz not null default clock_timestamp(),
  claimed_at timestamptz,
  primary key (order_id, generation),
  constraint reclaim_former_once unique (order_id, former_uid),
  constraint reclaim_is_another check (new_uid <> former_uid),
  constraint reclaim_claim_has_time check ((new_uid is null) = (claimed_at is null))
);
create unique index one_open_reclaim on ledger.reclaims (order_id) where new_uid is null;

create function ledger.guard_reclaim() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if tg_op = 'UPDATE' and ((new.order_id, new.generation, new.former_uid, new.opened_at)
      is distinct from (old.order_id, old.generation, old.former_uid, old.opened_at) or old.new_uid is not null)
  then perform refuse('reclaim_facts_stay', old.order_id); end if;
  if exists (select from reclaims where order_id = new.order_id and former_uid = new.new_uid)
  then perform refuse('reclaim_never_by_a_former_claimant', new.order_id); end if;
  return new;
end $$;
create trigger guard_reclaim before insert or update on ledger.reclaims for each row execute function ledger.guard_reclaim();
create trigger reclaims_stay before delete on ledger.reclaims for each row execute function ledger.refuse_change();
create trigger reclaims_no_truncate before truncate on ledger.reclaims execute function ledger.refuse_change();

create or replace function ledger.guard_order() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  moving text[] := array['message_id', 'claimed_by', 'claimed_at', 'admitted_at', 'slow_noted_at', 'relay_tries', 'relay_due_at',
    'looked_at', 'changed_at'];
begin
  if to_jsonb(new) - moving <> to_jsonb(old) - moving then perform refuse('order_is_as_it_was_placed', old.order_id); end if;
  if old.claimed_by is not null and (new.claimed_by, new.claimed_at) is distinct from (old.claimed_by, old.claimed_at)
    and not exists (
      select from reclaims where order_id = old.order_id and former_uid = old.claimed_by and new_uid = new.claimed_by)
  then perform refuse('order_claimed_once', old.order_id); end if;
  if old.admitted_at is not null and new.admitted_at is distinct from old.admitted_at then
    perform refuse('order_admitted_once', old.order_id);
  end if;
  return new;
end $$;

-- Orders whose rows were completed from what the cluster still knew. What was submitted in the time that PostgreSQL forgot is not
-- known for certain, so no further paid task begins for them.
create table ledger.rebuilt_orders (
  order_id text primary key references ledger.orders,
  epoch bigint not null,
  -- The status of its VideoJob that this was read from.
  mirrored jsonb not null,
  rebuilt_at timestamptz not null default clock_timestamp()
);
create trigger rebuilt_orders_append_only before update or delete on ledger.rebuilt_orders
  for each row execute function ledger.refuse_change();
create trigger rebuilt_orders_no_truncate before truncate on ledger.rebuilt_orders execute function ledger.refuse_change();

-- Orders that a person knows to be lost: their objects may be refused like any other that nobody ordered.
create table ledger.lost_orders (
  order_id text primary key constraint lost_order_letters check (order_id ~ '^[a-z2-7]{12}$'),
  epoch bigint not null,
  noted_at timestamptz not null default clock_timestamp()
);
create trigger lost_orders_append_only before update or delete on ledger.lost_orders
  for each row execute function ledger.refuse_change();
create trigger lost_orders_no_truncate before truncate on ledger.lost_orders execute function ledger.refuse_change();

-- The wall of audit mode: whatever a function forgets to ask, nothing new begins. Answers to what was begun before are facts and
-- pass: a submit's answer, an edit's answer, the capture of a video that is on the screen or that a person refused to take.
create function ledger.guard_beginning() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  perform refuse_in_standstill(tg_argv[0]);
  return new;
end $$;
create trigger audit_mode_places_nothing before insert on ledger.orders
  for each row execute function ledger.guard_beginning('audit');
create trigger audit_mode_claims_nothing before update on ledger.orders
  for each row when ((new.claimed_by, new.admitted_at) is distinct from (old.claimed_by, old.admitted_at))
  execute function ledger.guard_beginning('any');
create trigger audit_mode_opens_no_attempt before insert on ledger.attempts
  for each row execute function ledger.guard_beginning('any');
create trigger audit_mode_opens_no_execution before insert on ledger.executions
  for each row execute function ledger.guard_beginning('any');
create trigger audit_mode_submits_nothing before insert on ledger.submit_nonces
  for each row when (new.attempt_id is not null) execute function ledger.guard_beginning('any');
create trigger audit_mode_edits_nothing before insert on ledger.delivery_edits
  for each row when (new.kind <> 'void') execute function ledger.guard_beginning('any');
create trigger audit_mode_settles_nothing before update on ledger.holds
  for each row when (old.state = 'held' and (new.state = 'released' or new.reason in ('Deleted', 'DeliveryUnconfirmed')))
  execute function ledger.guard_beginning('any');
-- A number that was given to somebody in the forgotten time must not be given to somebody else: entering audit mode moves the
-- numbers on, and until then nobody is new.
create trigger audit_mode_moves_the_numbers_first before insert on ledger.people
  for each row execute function ledger.guard_beginning('restarted');

grant select on ledger.restore_marks, ledger.reclaims, ledger.rebuilt_orders, ledger.lost_orders to admin;
