-- The bot's own schema: what Telegram told us and what we have not answered yet. Money is in `ledger`.

-- One replica at a time asks Telegram for updates. A row and not a lease of the API server: orders are taken while that is away.
create table bot.receiver (
  only_row boolean primary key default true constraint receiver_is_one_row check (only_row),
  owner text,
  held_until timestamptz not null default '-infinity',
  -- Of the commands and descriptions that Telegram was told.
  profile_hash text
);
insert into bot.receiver default values;

-- An update is confirmed to Telegram only after its row is committed. Until `decided_at` nothing has come of it; what was decided
-- stands in `replies` and is said before the chat's next update is looked at.
create table bot.inbox (
  seq bigint generated always as identity primary key,
  update_id bigint not null constraint inbox_update_once unique,
  chat_id bigint not null,
  body jsonb,
  received_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  replies jsonb,
  decided_at timestamptz,
  done_at timestamptz,
  outcome text constraint inbox_outcome check (outcome in ('handled', 'ignored', 'quarantined', 'unreachable')),
  constraint inbox_replies_when_decided check ((replies is null) = (decided_at is null)),
  constraint inbox_done_after_decided check (done_at is null or decided_at is not null),
  constraint inbox_outcome_when_done check ((outcome is null) = (done_at is null))
);
create index inbox_open on bot.inbox (chat_id, seq) where done_at is null;
create index inbox_done on bot.inbox (done_at) where done_at is not null;

-- A person's order in the making; the state is the question that was asked last.
create table bot.drafts (
  nonce text primary key constraint draft_nonce check (nonce ~ '^([a-z2-7]{16}|again:[a-z2-7]{12}:[0-9]+)$'),
  user_id bigint not null,
  chat_id bigint not null,
  state text not null constraint draft_state check (state in ('text', 'template', 'prompt', 'wishes', 'confirm')),
  photo_key text not null,
  product_text text,
  template text constraint draft_template check (template in ('ugc', 'ad', 'self')),
  wishes text,
  price bigint,
  -- The message that asks now; its buttons are the draft's.
  message_id bigint,
  -- The earlier order that this one repeats.
  repeats text,
  album text,
  album_noted boolean not null default false,
  -- Unix seconds of a message that was too long: Telegram sends what did not fit as the next one.
  too_long_at bigint,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  closed text constraint draft_closed check (closed in ('placed', 'refused', 'dropped')),
  constraint draft_complete check (state <> 'confirm' or (product_text is not null and template is not null and price is not null))
);
create unique index one_open_draft_per_person on bot.drafts (user_id) where closed is null;
create index drafts_changed on bot.drafts (changed_at);
