-- What was ordered: the group a person confirmed, and its orders with the exact bytes of their VideoJobs.

-- The rules of `src/failure/` that the end of an order depends on; a test holds the two together.
create table ledger.failure_classes (
  class text primary key,
  fault text not null constraint failure_class_fault check (fault in ('user', 'operator', 'provider', 'nobody', 'delivery')),
  retry text not null constraint failure_class_retry check (retry in ('none', 'resubmit', 'new-task', 'poll')),
  reason text not null
);
insert into ledger.failure_classes (class, fault, retry, reason) values
  ('user-person', 'user', 'none', 'ContentRejected'),
  ('user-minor', 'user', 'none', 'ContentRejected'),
  ('user-policy', 'user', 'none', 'ContentRejected'),
  ('user-brand', 'user', 'none', 'ContentRejected'),
  ('user-prompt', 'user', 'none', 'PromptRejected'),
  ('user-photo', 'user', 'none', 'PhotoUnsuitable'),
  ('operator-balance', 'operator', 'resubmit', 'ProviderUnavailable'),
  ('operator-key', 'operator', 'resubmit', 'ProviderUnavailable'),
  ('operator-model', 'operator', 'resubmit', 'ProviderUnavailable'),
  ('operator-request', 'operator', 'resubmit', 'ProviderUnavailable'),
  ('operator-url', 'operator', 'resubmit', 'ProviderUnavailable'),
  ('provider-rate', 'provider', 'resubmit', 'ProviderUnavailable'),
  ('provider-busy', 'provider', 'new-task', 'GenerationFailed'),
  ('provider-internal', 'provider', 'new-task', 'GenerationFailed'),
  ('provider-timeout', 'nobody', 'poll', 'GenerationFailed'),
  ('provider-lost', 'nobody', 'poll', 'GenerationFailed'),
  ('ambiguous', 'nobody', 'poll', 'ProviderOutcomeUnknown'),
  ('delivery-blocked', 'delivery', 'none', 'RecipientUnreachable'),
  ('delivery-gone', 'delivery', 'none', 'RecipientUnreachable'),
  ('delivery-flood', 'delivery', 'resubmit', 'DeliveryFailed'),
  ('delivery-network', 'delivery', 'resubmit', 'DeliveryFailed'),
  ('delivery-size', 'delivery', 'none', 'DeliveryFailed'),
  ('delivery-file', 'delivery', 'none', 'DeliveryFailed'),
  ('delivery-token', 'delivery', 'resubmit', 'DeliveryFailed');

-- One tap on a confirmation. A refused one stays refused: an old button must not succeed later.
create table ledger.order_groups (
  group_id bigint generated always as identity primary key,
  user_id bigint not null references ledger.people,
  nonce text not null constraint order_group_nonce_once unique constraint order_group_nonce check (nonce <> ''),
  request_hash text not null,
  count integer not null constraint order_group_count check (count in (1, 3, 5)),
  unit_price bigint not null constraint order_group_price check (unit_price > 0),
  total bigint not null,
  refused text constraint order_group_refusal check (
    refused in ('InsufficientCredits', 'TooManyOpenOrders', 'NoConsent', 'OrdersPaused', 'PriceChanged')),
  created_at timestamptz not null default clock_timestamp(),
  constraint order_group_total check (total = count * unit_price),
  constraint order_group_facts unique (group_id, user_id, unit_price)
);

create table ledger.orders (
  order_id text primary key constraint order_id_letters check (order_id ~ '^[a-z2-7]{12}$'),
  group_id bigint not null,
  position integer not null,
  user_id bigint not null,
  credits bigint not null,
  chat_id bigint not null,
  -- The message that becomes the video.
  message_id bigint,
  language text not null constraint order_language check (language in ('ru', 'en')),
  template text not null constraint order_template check (template in ('ugc', 'ad', 'self')),
  product_text text not null,
  wishes text,
  photo_key text not null,
  repeats text,
  -- The exact bytes that are posted, again and again the same.
  video_job text not null,
  spec_hash text not null,
  -- Read from those bytes when the row is written.
  provider text not null,
  model text not null,
  seconds integer not null,
  aspect_ratio text not null,
  audio boolean not null,
  max_attempts integer not null constraint order_max_attempts check (max_attempts > 0),
  queue_seconds integer not null constraint order_queue_seconds check (queue_seconds > 0),
  generation_seconds integer not null constraint order_generation_seconds check (generation_seconds > 0),
  further_task_seconds integer not null constraint order_further_task_seconds check (further_task_seconds > 0),
  delivery_min_executions integer not null constraint order_delivery_min_executions check (delivery_min_executions > 0),
  delivery_execution_seconds integer not null constraint order_delivery_execution_seconds check (delivery_execution_seconds > 0),
  delivery_seconds integer not null constraint order_delivery_seconds check (delivery_seconds > 0),
  placed_at timestamptz not null default clock_timestamp(),
  claimed_by text,
  claimed_at timestamptz,
  admitted_at timestamptz,
  slow_noted_at timestamptz,
  relay_tries integer not null default 0,
  relay_due_at timestamptz not null default clock_timestamp(),
  looked_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  constraint order_position_once unique (group_id, position),
  constraint order_facts unique (order_id, user_id, credits),
  constraint order_of_group foreign key (group_id, user_id, credits) references ledger.order_groups (group_id, user_id, unit_price),
  constraint order_has_hold foreign key (order_id, user_id, credits)
    references ledger.holds (order_id, user_id, amount) deferrable initially deferred,
  constraint order_claim_has_time check ((claimed_by is null) = (claimed_at is null) and claimed_by <> ''),
  constraint order_admitted_after_claim check (admitted_at is null or claimed_by is not null)
);
alter table ledger.holds add constraint hold_of_order
  foreign key (order_id, user_id, amount) references ledger.orders (order_id, user_id, credits);
create index orders_changed on ledger.orders (changed_at);
create index orders_unclaimed on ledger.orders (relay_due_at) where claimed_by is null;
create index orders_of_model on ledger.orders (model, placed_at desc);

create function ledger.read_video_job() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  spec jsonb := new.video_job::jsonb -> 'spec';
  generation jsonb := spec -> 'generation';
  delivery jsonb := spec -> 'delivery';
begin
  if (new.video_job::jsonb #>> '{metadata,name}', spec #>> '{order,id}', spec #>> '{order,userId}', spec #>> '{order,credits}',
      spec #>> '{order,specHash}', spec #>> '{input,photo}', spec #>> '{input,template}')
    is distinct from ('vj-' || new.order_id, new.order_id, new.user_id::text, new.credits::text, new.spec_hash, new.photo_key, new.template)
  then perform refuse('order_agrees_with_its_video_job', new.order_id); end if;
  new.provider := generation ->> 'provider';
  new.model := generation ->> 'model';
  new.seconds := generation ->> 'seconds';
  new.aspect_ratio := generation ->> 'aspectRatio';
  new.audio := generation ->> 'audio';
  new.max_attempts := generation ->> 'maxAttempts';
  new.further_task_seconds := generation ->> 'timeoutSeconds';
  new.generation_seconds := spec ->> 'activeDeadlineSeconds';
  new.queue_seconds := spec ->> 'queueTimeoutSeconds';
  new.delivery_min_executions := delivery ->> 'minExecutions';
  new.delivery_execution_seconds := delivery ->> 'timeoutSeconds';
  new.delivery_seconds := delivery ->> 'deadlineSeconds';
  return new;
end $$;
create trigger read_video_job before insert on ledger.orders for each row execute function ledger.read_video_job();

create function ledger.guard_order() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  moving text[] := array['message_id', 'claimed_by', 'claimed_at', 'admitted_at', 'slow_noted_at', 'relay_tries', 'relay_due_at',
    'looked_at', 'changed_at'];
begin
  if to_jsonb(new) - moving <> to_jsonb(old) - moving then perform refuse('order_is_as_it_was_placed', old.order_id); end if;
  if old.claimed_by is not null and (new.claimed_by, new.claimed_at) is distinct from (old.claimed_by, old.claimed_at) then
    perform refuse('order_claimed_once', old.order_id);
  end if;
  if old.admitted_at is not null and new.admitted_at is distinct from old.admitted_at then
    perform refuse('order_admitted_once', old.order_id);
  end if;
  return new;
end $$;
create trigger guard_order before update on ledger.orders for each row execute function ledger.guard_order();

-- At COMMIT: all orders of a confirmed group, or none.
create function ledger.check_group() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  family order_groups;
  found_orders integer;
begin
  select * into family from order_groups where group_id = new.group_id;
  select count(*) into found_orders from orders where group_id = new.group_id;
  if found_orders <> (case when family.refused is null then family.count else 0 end) then
    perform refuse('order_group_is_whole', format('group %s has %s orders', new.group_id, found_orders));
  end if;
  return null;
end $$;
create constraint trigger order_group_is_whole after insert on ledger.order_groups
  deferrable initially deferred for each row execute function ledger.check_group();
create constraint trigger order_in_whole_group after insert on ledger.orders
  deferrable initially deferred for each row execute function ledger.check_group();

-- Time that a clock does not count. Suspension stops every clock but the hold's; a wait that Telegram asked for only delivery's.
create table ledger.pauses (
  order_id text not null references ledger.orders,
  cause text not null constraint pause_cause check (cause in ('suspended', 'retry-after')),
  during tstzrange not null
);
create index pauses_of_order on ledger.pauses (order_id);
create unique index one_open_suspension on ledger.pauses (order_id) where cause = 'suspended' and upper_inf(during);

create trigger order_groups_append_only before update or delete on ledger.order_groups
  for each row execute function ledger.refuse_change();
create trigger order_groups_no_truncate before truncate on ledger.order_groups execute function ledger.refuse_change();
create trigger orders_stay before delete on ledger.orders for each row execute function ledger.refuse_change();
create trigger orders_no_truncate before truncate on ledger.orders execute function ledger.refuse_change();
