-- What is known of a person beside their credits: who invited them, whether they are banned or forgotten. And who of us did what by hand.

create function ledger.random_word(letters integer) returns text
language sql volatile set search_path = ledger, pg_temp as $$
  -- Five random bits a letter; bytes 6 and 8 of a UUID have fixed bits.
  select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (get_byte(bytes, position) & 31), 1), '')
  from (
    select bytes, position
    from generate_series(1, 1 + letters / 14) as part
      cross join lateral (select uuid_send(gen_random_uuid()) as bytes where part > 0) as drawn
      cross join unnest(array[0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15]) as position
    limit letters
  ) as letters_drawn
$$;

alter table ledger.settings
  add column referral_credits integer not null default 0
    constraint settings_referral_credits check (referral_credits between 0 and 1000),
  add column referral_days integer not null default 21 constraint settings_referral_days check (referral_days between 0 and 365),
  add column invoice_seconds integer not null default 3600
    constraint settings_invoice_seconds check (invoice_seconds between 60 and 604800);

alter table ledger.people
  add column referral_code text not null default ledger.random_word(10)
    constraint referral_code_once unique constraint referral_code_letters check (referral_code ~ '^[a-z2-7]{10}$'),
  add column referred_by bigint references ledger.people
    -- So nobody invites themselves, and two never invite each other.
    constraint referrer_was_there_before check (referred_by < user_id),
  add column banned_at timestamptz,
  -- The last time they had themselves forgotten.
  add column forgotten_at timestamptz,
  -- HMAC of a forgotten person's Telegram id: whoever comes back is known again, and nobody else can be found by it.
  add column identity_hmac text constraint identity_hmac_is_hex check (identity_hmac ~ '^[0-9a-f]{64}$'),
  add constraint forgotten_has_no_telegram_id check ((telegram_id is null) = (identity_hmac is not null)),
  add constraint forgotten_has_time check (identity_hmac is null or forgotten_at is not null),
  add constraint person_and_referrer unique (user_id, referred_by),
  drop constraint people_telegram_id_once;
-- Partial, so that forgetting somebody does not wait for whoever books something of theirs.
create unique index people_telegram_id_once on ledger.people (telegram_id) where telegram_id is not null;
create unique index people_identity_once on ledger.people (identity_hmac) where identity_hmac is not null;
create index people_referred on ledger.people (referred_by) where referred_by is not null;

create function ledger.guard_person() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if (new.user_id, new.created_at, new.referral_code) is distinct from (old.user_id, old.created_at, old.referral_code)
    or old.telegram_id is not null and new.telegram_id is not null and new.telegram_id <> old.telegram_id
  then perform refuse('person_facts_stay', old.user_id::text); end if;
  if new.referred_by is distinct from old.referred_by
    and (old.referred_by is not null or old.consented_at is not null or old.forgotten_at is not null)
  then perform refuse('referrer_is_written_at_the_first_start', old.user_id::text); end if;
  if old.telegram_id is not null and new.telegram_id is null and (
    exists (select from holds where user_id = old.user_id and state = 'held')
    or exists (select from accounts where user_id = old.user_id and account_id like '%/available' and balance > 0))
  then perform refuse('forgotten_person_has_nothing_open', old.user_id::text); end if;
  return new;
end $$;
create trigger guard_person before update on ledger.people for each row execute function ledger.guard_person();

create function ledger.guard_new_person() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if new.referred_by is not null then perform refuse('referrer_is_written_at_the_first_start', new.user_id::text); end if;
  return new;
end $$;
create trigger guard_new_person before insert on ledger.people for each row execute function ledger.guard_new_person();

-- A code that gives credits once to each person. Its credits never change: what was given by it stays explained.
create table ledger.promos (
  code text primary key constraint promo_code_letters check (code ~ '^[a-z0-9-]{3,32}$'),
  credits bigint not null constraint promo_credits_positive check (credits between 1 and 1000),
  -- Null: as many people as like.
  uses_limit integer constraint promo_uses_limit check (uses_limit >= 0),
  until timestamptz,
  constraint promo_facts unique (code, credits)
);
create function ledger.guard_promo() returns trigger
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if (new.code, new.credits) is distinct from (old.code, old.credits) then perform refuse('promo_facts_stay', old.code); end if;
  return new;
end $$;
create trigger guard_promo before update on ledger.promos for each row execute function ledger.guard_promo();

-- Everything that one of us did by hand, and why. The reference is theirs: the same one never does a thing twice.
create table ledger.admin_actions (
  action_id bigint generated always as identity primary key,
  actor text not null constraint admin_action_actor check (length(actor) between 1 and 100),
  session_role text not null default session_user,
  command text not null constraint admin_action_command check (length(command) between 1 and 100),
  reference text constraint admin_reference_once unique constraint admin_action_reference check (length(reference) between 1 and 200),
  subject jsonb not null,
  reason text not null constraint admin_action_reason check (length(reason) between 1 and 1000),
  outcome jsonb not null,
  acted_at timestamptz not null default clock_timestamp()
);
create index admin_actions_acted on ledger.admin_actions (acted_at desc);

create trigger promos_stay before delete on ledger.promos for each row execute function ledger.refuse_change();
create trigger promos_no_truncate before truncate on ledger.promos execute function ledger.refuse_change();
create trigger admin_actions_append_only before update or delete on ledger.admin_actions
  for each row execute function ledger.refuse_change();
create trigger admin_actions_no_truncate before truncate on ledger.admin_actions execute function ledger.refuse_change();
