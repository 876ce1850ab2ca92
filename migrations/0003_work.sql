-- The work on an order: executions (one Job each), attempts (one paid task each), the delivery and every edit it began.

create table ledger.executions (
  order_id text not null references ledger.orders,
  stage text not null constraint execution_stage check (stage in ('generation', 'delivery')),
  n integer not null constraint execution_number check (n > 0),
  executor text not null constraint execution_executor check (executor in ('pod', 'managed')),
  -- The attempt it carries on; null for a delivery.
  attempt_n integer,
  opened_at timestamptz not null default clock_timestamp(),
  leased_at timestamptz,
  ended_at timestamptz,
  end_cause text constraint execution_end_cause check (end_cause in ('Completed', 'Crashed', 'Lost', 'PodStartFailed', 'Superseded')),
  primary key (order_id, stage, n),
  constraint execution_end_has_cause check ((ended_at is null) = (end_cause is null)),
  constraint execution_of_attempt check ((stage = 'generation') = (attempt_n is not null))
);
create unique index one_open_execution on ledger.executions (order_id, stage) where ended_at is null;

create table ledger.submit_nonces (
  nonce text primary key constraint submit_nonce_not_empty check (nonce <> ''),
  -- Null: made void before it began anything, so that a late copy of its begin_submit does nothing.
  attempt_id bigint,
  used_at timestamptz not null default clock_timestamp(),
  answer text constraint submit_answer check (answer in ('accepted', 'refused', 'unknown')),
  answered_at timestamptz,
  task_id text,
  constraint submit_nonce_of_attempt unique (attempt_id, nonce),
  constraint submit_task_is_accepted check (task_id is null or answer = 'accepted'),
  constraint submit_void_has_no_answer check (attempt_id is not null or answer is null)
);

create table ledger.attempts (
  attempt_id bigint generated always as identity primary key,
  order_id text not null references ledger.orders,
  n integer not null constraint attempt_number check (n > 0),
  state text not null default 'ready' constraint attempt_state check (
    state in ('ready', 'intent', 'unknown', 'accepted', 'succeeded', 'failed', 'rejected', 'abandoned')),
  fence bigint not null default 0,
  lease_owner text,
  lease_execution integer not null default 0,
  lease_until timestamptz,
  not_before timestamptz,
  submit_nonce text,
  task_id text,
  prompt text,
  prompt_source text constraint attempt_prompt_source check (prompt_source in ('completions', 'fallback', 'person')),
  photo_url text,
  photo_url_until timestamptz,
  provider_state text constraint attempt_provider_state check (provider_state in ('waiting', 'generating')),
  opened_at timestamptz not null default clock_timestamp(),
  accepted_at timestamptz,
  ended_at timestamptz,
  failure_class text references ledger.failure_classes,
  failure_message text constraint attempt_failure_message check (length(failure_message) <= 500),
  -- The stored video: what is shown after `succeeded`; on an abandoned attempt, evidence that is never shown.
  video_key text,
  video_sha256 text,
  video_bytes bigint,
  video_seconds double precision,
  video_width integer,
  video_height integer,
  -- Following an abandoned task.
  follow_due_at timestamptz,
  follow_until timestamptz,
  followed text constraint attempt_followed check (followed in ('failed', 'succeeded', 'gave-up', 'no-task')),
  constraint attempt_once unique (order_id, n),
  constraint attempt_submit_nonce foreign key (attempt_id, submit_nonce) references ledger.submit_nonces (attempt_id, nonce),
  constraint attempt_sent_has_nonce check (state not in ('intent', 'unknown', 'accepted', 'succeeded', 'failed') or submit_nonce is not null),
  constraint attempt_accepted_has_task check (state not in ('accepted', 'succeeded', 'failed') or (task_id is not null and accepted_at is not null)),
  constraint attempt_ended check ((state in ('succeeded', 'failed', 'rejected', 'abandoned')) = (ended_at is not null)),
  constraint attempt_failed_has_class check (state <> 'failed' or failure_class is not null),
  constraint attempt_video_is_whole check (
    num_nonnulls(video_key, video_sha256, video_bytes, video_seconds, video_width, video_height) in (0, 6)),
  constraint attempt_succeeded_has_video check ((state = 'succeeded') <= (video_key is not null)),
  constraint attempt_video_when_made check (video_key is null or state in ('succeeded', 'abandoned'))
);
alter table ledger.submit_nonces add constraint submit_nonce_attempt foreign key (attempt_id) references ledger.attempts;
-- At most one paid task that runs, may run, or has made its video: per order, whatever any code believes.
create unique index one_live_attempt on ledger.attempts (order_id)
  where state in ('ready', 'intent', 'unknown', 'accepted', 'succeeded');
create index attempts_leased on ledger.attempts (lease_until) where state in ('ready', 'intent', 'unknown', 'accepted');
create index attempts_followed on ledger.attempts (follow_due_at) where state = 'abandoned' and followed is null;

create table ledger.deliveries (
  order_id text primary key references ledger.orders,
  state text not null default 'pending' constraint delivery_state check (
    state in ('pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain')),
  fence bigint not null default 0,
  lease_owner text,
  lease_execution integer not null default 0,
  lease_until timestamptz,
  not_before timestamptz,
  opened_at timestamptz not null default clock_timestamp(),
  -- A refusal for good: the stage is over, though another edit may still be without an answer.
  refused_at timestamptz,
  failure_class text references ledger.failure_classes,
  shown_at timestamptz,
  shown_message_id bigint,
  file_id text,
  -- The bot's own showing of a captured video.
  asked_at timestamptz,
  showing_owner text,
  showing_until timestamptz,
  showing_tries integer not null default 0,
  showing_due_at timestamptz,
  constraint delivery_shown_has_message check ((state = 'shown') = (shown_at is not null) and (shown_at is null) = (shown_message_id is null))
);
create index deliveries_kept on ledger.deliveries (order_id) where state in ('waiting', 'uncertain');

create table ledger.delivery_edits (
  nonce text primary key constraint edit_nonce_not_empty check (nonce <> ''),
  -- Null: made void before it began anything.
  order_id text references ledger.deliveries,
  kind text not null constraint edit_kind check (kind in ('edit', 'showing', 'void')),
  fence bigint,
  begun_at timestamptz not null default clock_timestamp(),
  -- `unknown` leaves the edit open: only a definite answer to this very edit closes it.
  answer text constraint edit_answer check (answer in ('shown', 'refused', 'unknown')),
  meaning text constraint edit_meaning check (meaning in ('final', 'unreachable', 'missing-message', 'retry')),
  failure_class text references ledger.failure_classes,
  answered_at timestamptz,
  constraint edit_of_order check ((kind = 'void') = (order_id is null)),
  constraint edit_refusal_has_meaning check ((answer is not distinct from 'refused') = (meaning is not null))
);
create index edits_of_order on ledger.delivery_edits (order_id);

create function ledger.guard_attempt() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  allowed text[] := case old.state
    when 'ready' then array['intent', 'rejected']
    when 'intent' then array['accepted', 'ready', 'rejected', 'unknown', 'abandoned']
    when 'unknown' then array['accepted', 'ready', 'rejected', 'abandoned']
    when 'accepted' then array['succeeded', 'failed', 'abandoned']
    else array[]::text[] end;
begin
  if (new.attempt_id, new.order_id, new.n, new.opened_at) is distinct from (old.attempt_id, old.order_id, old.n, old.opened_at)
    or new.fence < old.fence
    or old.task_id is not null and new.task_id is distinct from old.task_id
    or old.prompt is not null and new.prompt is distinct from old.prompt
    or old.ended_at is not null and new.ended_at is distinct from old.ended_at
    or old.video_key is not null and new.video_key is distinct from old.video_key
    or old.accepted_at is not null and new.accepted_at is distinct from old.accepted_at
  then perform refuse('attempt_facts_stay', old.attempt_id::text); end if;
  if new.state = old.state then
    if old.state <> 'ready' and new.submit_nonce is distinct from old.submit_nonce then
      perform refuse('attempt_facts_stay', old.attempt_id::text);
    end if;
    return new;
  end if;
  if not new.state = any (allowed) then
    perform refuse('attempt_transition', format('%s -> %s', old.state, new.state));
  end if;
  if new.state = 'intent' and (
    old.submit_nonce is not null
    or not exists (select from submit_nonces where nonce = new.submit_nonce and attempt_id = new.attempt_id and answer is null))
  then perform refuse('submit_nonce_begins_once', new.attempt_id::text); end if;
  if new.state in ('ready', 'rejected') and old.state in ('intent', 'unknown') and not exists (
    select from submit_nonces where nonce = old.submit_nonce and answer = 'refused')
  then perform refuse('attempt_goes_back_on_a_sure_refusal', new.attempt_id::text); end if;
  if new.state not in ('rejected', 'abandoned')
    and not exists (select from holds where order_id = new.order_id and state = 'held')
  then perform refuse('attempt_moves_while_held', new.attempt_id::text); end if;
  return new;
end $$;
create trigger guard_attempt before update on ledger.attempts for each row execute function ledger.guard_attempt();

create function ledger.guard_new_attempt() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if new.state <> 'ready' then perform refuse('attempt_begins_ready', new.state); end if;
  if not exists (
    select from orders join holds using (order_id)
    where order_id = new.order_id and admitted_at is not null and holds.state = 'held')
  then perform refuse('attempt_needs_admitted_hold', new.order_id); end if;
  if new.n > 1 and not exists (
    select from attempts where order_id = new.order_id and n = new.n - 1 and state in ('failed', 'rejected'))
  then perform refuse('attempt_follows_a_confirmed_failure', new.order_id); end if;
  return new;
end $$;
create trigger guard_new_attempt before insert on ledger.attempts for each row execute function ledger.guard_new_attempt();

create function ledger.guard_submit_nonce() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if (new.nonce, new.attempt_id, new.used_at) is distinct from (old.nonce, old.attempt_id, old.used_at)
    or old.answer in ('accepted', 'refused') and new.answer is distinct from old.answer and new.answer is distinct from 'accepted'
    or old.task_id is not null and new.task_id is distinct from old.task_id
  then perform refuse('submit_answer_stays', old.nonce); end if;
  return new;
end $$;
create trigger guard_submit_nonce before update on ledger.submit_nonces for each row execute function ledger.guard_submit_nonce();

create function ledger.guard_delivery() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  allowed text[] := case old.state
    when 'pending' then array['editing', 'refused', 'waiting']
    when 'editing' then array['shown', 'refused', 'waiting', 'uncertain']
    when 'waiting' then array['shown']
    when 'uncertain' then array['shown']
    else array[]::text[] end;
begin
  if new.order_id <> old.order_id or new.fence < old.fence
    or old.refused_at is not null and new.refused_at is distinct from old.refused_at
    or old.shown_at is not null and new.shown_at is distinct from old.shown_at
  then perform refuse('delivery_facts_stay', old.order_id); end if;
  if new.state = old.state then return new; end if;
  if not new.state = any (allowed) then
    perform refuse('delivery_transition', format('%s -> %s', old.state, new.state));
  end if;
  if new.state = 'refused' and exists (
    select from delivery_edits where order_id = new.order_id and (answer is null or answer <> 'refused'))
  then perform refuse('delivery_refused_by_every_edit', new.order_id); end if;
  if new.state = 'shown' and not exists (
    select from delivery_edits where order_id = new.order_id and answer = 'shown')
  then perform refuse('delivery_shown_by_an_edit', new.order_id); end if;
  if exists (select from holds where order_id = new.order_id and state = 'released') then
    perform refuse('released_is_never_shown', new.order_id);
  end if;
  return new;
end $$;
create trigger guard_delivery before update on ledger.deliveries for each row execute function ledger.guard_delivery();

create function ledger.guard_new_delivery() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if new.state <> 'pending' then perform refuse('delivery_begins_pending', new.state); end if;
  if not exists (select from attempts where order_id = new.order_id and state = 'succeeded') then
    perform refuse('delivery_needs_stored_video', new.order_id);
  end if;
  return new;
end $$;
create trigger guard_new_delivery before insert on ledger.deliveries for each row execute function ledger.guard_new_delivery();

create function ledger.guard_edit() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.kind = 'edit' and not exists (select from holds where order_id = new.order_id and state = 'held') then
      perform refuse('edit_begins_while_held', new.order_id);
    end if;
    if new.kind = 'showing' and not exists (select from holds where order_id = new.order_id and state = 'captured') then
      perform refuse('showing_begins_when_captured', new.order_id);
    end if;
  elsif (new.nonce, new.order_id, new.kind, new.fence, new.begun_at) is distinct from (old.nonce, old.order_id, old.kind, old.fence, old.begun_at)
    or old.answer in ('shown', 'refused') and new is distinct from old
  then perform refuse('edit_answer_stays', old.nonce); end if;
  return new;
end $$;
create trigger guard_edit before insert or update on ledger.delivery_edits for each row execute function ledger.guard_edit();

create function ledger.guard_execution() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if (new.order_id, new.stage, new.n, new.executor, new.attempt_n, new.opened_at)
      is distinct from (old.order_id, old.stage, old.n, old.executor, old.attempt_n, old.opened_at)
    or old.leased_at is not null and new.leased_at is distinct from old.leased_at
    or old.ended_at is not null and (new.ended_at, new.end_cause) is distinct from (old.ended_at, old.end_cause)
  then perform refuse('execution_facts_stay', format('%s %s %s', old.order_id, old.stage, old.n)); end if;
  return new;
end $$;
create trigger guard_execution before update on ledger.executions for each row execute function ledger.guard_execution();

create trigger executions_stay before delete on ledger.executions for each row execute function ledger.refuse_change();
create trigger executions_no_truncate before truncate on ledger.executions execute function ledger.refuse_change();
create trigger attempts_stay before delete on ledger.attempts for each row execute function ledger.refuse_change();
create trigger attempts_no_truncate before truncate on ledger.attempts execute function ledger.refuse_change();
create trigger submit_nonces_stay before delete on ledger.submit_nonces for each row execute function ledger.refuse_change();
create trigger submit_nonces_no_truncate before truncate on ledger.submit_nonces execute function ledger.refuse_change();
create trigger deliveries_stay before delete on ledger.deliveries for each row execute function ledger.refuse_change();
create trigger deliveries_no_truncate before truncate on ledger.deliveries execute function ledger.refuse_change();
create trigger delivery_edits_stay before delete on ledger.delivery_edits for each row execute function ledger.refuse_change();
create trigger delivery_edits_no_truncate before truncate on ledger.delivery_edits execute function ledger.refuse_change();
