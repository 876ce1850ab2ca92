-- The question "delete everything?", with the figure it was asked with. A tap counts once, for its person, and for that figure alone.
create table bot.forget_requests (
  user_id bigint primary key,
  nonce text not null constraint forget_nonce_once unique constraint forget_nonce check (nonce ~ '^[a-z2-7]{16}$'),
  forfeits bigint not null constraint forget_forfeits check (forfeits >= 0),
  asked_at timestamptz not null default clock_timestamp()
);

-- What else has to go with a forgotten person: finished VideoJobs, and photos and videos by their keys. Until it is done.
create table bot.erasures (
  kind text not null constraint erasure_kind check (kind in ('video-job', 'object')),
  name text not null,
  written_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  primary key (kind, name)
);
create index erasures_due on bot.erasures (due_at);

-- Of a forgotten person's chat: nothing of the update is kept when it is done, not even whose it was.
alter table bot.inbox add column erased boolean not null default false;
