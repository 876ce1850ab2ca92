-- What the bot says by itself of a payment goes the way of every other reply: stored with its cause, said in the order of its chat.
-- `subject` names the cause, so that it is said once, whoever finds it and however often.
alter table bot.inbox
  alter column update_id drop not null,
  add column subject text constraint inbox_subject_once unique,
  add constraint inbox_has_a_cause check (update_id is not null or subject is not null),
  add constraint inbox_without_update_is_decided check (update_id is not null or decided_at is not null);

-- How far Telegram's list of Star transactions is followed. One replica at a time does it.
create table bot.reconciliation (
  only_row boolean primary key default true constraint reconciliation_is_one_row check (only_row),
  owner text,
  held_until timestamptz not null default '-infinity',
  due_at timestamptz not null default '-infinity',
  -- Transactions of the list, counted from its beginning, that are in the books; and which one was the last of them.
  seen bigint not null default 0 constraint reconciliation_counts_up check (seen >= 0),
  last_seen text,
  -- When the list was last followed to its end. Until then: since when it could have been.
  succeeded_at timestamptz not null default clock_timestamp(),
  constraint reconciliation_knows_its_place check ((seen = 0) = (last_seen is null))
);
insert into bot.reconciliation default values;
