-- What a person wrote, and where they can be reached, leaves their finished orders when they have themselves forgotten. The books stay.

alter table ledger.orders add column redacted_at timestamptz,
  add constraint order_redacted_whole check (redacted_at is null or (product_text = '' and wishes is null and chat_id = 0));

create or replace function ledger.guard_order() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
declare
  moving text[] := array['message_id', 'claimed_by', 'claimed_at', 'admitted_at', 'slow_noted_at', 'relay_tries', 'relay_due_at',
    'looked_at', 'changed_at'];
  words text[] := array['product_text', 'wishes', 'chat_id', 'redacted_at'];
begin
  if new.redacted_at is not null and old.redacted_at is null then
    if not exists (select from people where user_id = old.user_id and telegram_id is null)
      or exists (select from holds where order_id = old.order_id and state = 'held')
    then perform refuse('order_is_redacted_when_forgotten', old.order_id); end if;
    moving := moving || words;
  end if;
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

create or replace function ledger.guard_attempt() returns trigger
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
    -- What a forgotten person wrote may go, and only that.
    or old.prompt is not null and new.prompt is distinct from old.prompt and (new.prompt is not null
      or not exists (select from orders where order_id = old.order_id and redacted_at is not null))
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

-- Captured videos that the bot can show now: the person is reachable again, or asked for it. A forgotten person's never are.
create or replace view ledger.showable as
  select deliveries.*, holds.user_id, holds.settled_at
  from ledger.deliveries join ledger.holds using (order_id) join ledger.people on people.user_id = holds.user_id
    join ledger.orders on orders.order_id = holds.order_id
  where holds.state = 'captured' and orders.redacted_at is null and (
    deliveries.state = 'waiting' and (people.unreachable_since is null or deliveries.asked_at is not null)
    or deliveries.state = 'uncertain' and deliveries.asked_at is not null);
grant select (redacted_at) on ledger.orders to admin;
