-- What callbacks said: that a submit became this task. It is a hint of anybody who knows the address; nothing follows from it before
-- the provider's own record was asked by who holds its key.
create table ledger.task_hints (
  nonce text not null references ledger.submit_nonces,
  task_id text not null constraint hint_task_id check (task_id ~ '^[A-Za-z0-9_-]{1,128}$'),
  noted_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  verdict text constraint hint_verdict check (verdict in ('ours', 'foreign')),
  primary key (nonce, task_id)
);
create index task_hints_due on ledger.task_hints (due_at) where verdict is null;
