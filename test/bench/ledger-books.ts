import type pg from 'pg';

/** How many people and orders the books are to have. */
export type Books = { readonly people: number; readonly orders: number };

/** Orders of which one was released, so that the books have both ends. */
const RELEASED_ONE_IN = 5;

/**
 * Fills the books with people and settled orders as the product leaves them, in bulk: triggers sleep meanwhile, the constraints do not,
 * and the audit is asked afterwards. Answers how many transfers there are.
 *
 * @throws {Error} when the audit finds anything
 */
export async function fillBooks(owner: pg.Client, { people, orders }: Books): Promise<number> {
  const each = Math.floor(orders / people);
  await owner.query('begin');
  await owner.query("set local session_replication_role = 'replica'");
  await owner.query("set local synchronous_commit = 'off'");
  for (const statement of statements) {
    const uses = statement.includes('$2') ? [people, each] : [people];
    await owner.query(statement, statement.includes('$1') ? uses : []);
  }
  await owner.query('commit');
  await owner.query('drop table ledger.bulk');
  await owner.query('vacuum analyze');
  const { rows: bugs } = await owner.query('select * from ledger.violations limit 3');
  if (bugs.length > 0) throw new Error(`the books are not as the product leaves them: ${JSON.stringify(bugs)}`);
  const { rows } = await owner.query<{ count: number }>('select count(*)::int as count from ledger.transfers');
  return rows[0]?.count ?? 0;
}

const base32 = "translate(lpad(to_hex(i), 12, '0'), '0189', 'wxyz')";
const released = `(n % ${RELEASED_ONE_IN} = 0)`;

/** One row of `bulk` is an order; its number among its person's orders is `n`. */
const statements = [
  `insert into ledger.people (telegram_id, language, consented_at, consent_version)
   select 50000000 + i, 'en', now(), '1' from generate_series(1, $1::int) as i`,
  `create table ledger.bulk as
   select row_number() over (order by n, user_id) as i, user_id, n
   from (select user_id from ledger.people where telegram_id between 50000001 and 60000000 order by user_id limit $1) as people cross join generate_series(1, $2::int) as n`,
  `alter table ledger.bulk add column order_id text`,
  `update ledger.bulk set order_id = ${base32}`,
  `create index on ledger.bulk (user_id)`,
  // The grant that pays for everything of a person, then a hold and a settlement for each order, in the order they happened.
  `insert into ledger.admin_actions (actor, command, reference, subject, reason, outcome)
   select 'bench', 'grant', 'bulk-' || user_id, jsonb_build_object('userId', user_id), 'bench', '{}' from ledger.people where telegram_id between 50000001 and 60000000`,
  `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, booked_at, action_id)
   select 'admin:' || action_id, 'grant', user_id, 'sys/grants', 'user/' || user_id || '/available', 1000000, 1000000,
     now() - interval '100 days', action_id
   from ledger.people join ledger.admin_actions on reference = 'bulk-' || user_id where telegram_id between 50000001 and 60000000`,
  `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total, created_at)
   select user_id, 'bulk-' || i, 'bulk', 1, 1, 1, now() - interval '90 days' from ledger.bulk order by i`,
  `insert into ledger.orders (order_id, group_id, position, user_id, credits, chat_id, message_id, language, template, product_text, photo_key,
     video_job, spec_hash, provider, model, seconds, aspect_ratio, audio, max_attempts, queue_seconds, generation_seconds, further_task_seconds,
     delivery_min_executions, delivery_execution_seconds, delivery_seconds, placed_at, claimed_by, claimed_at, admitted_at, slow_noted_at,
     relay_due_at, looked_at)
   select order_id, group_id, 1, bulk.user_id, 1, bulk.user_id, 1, 'en', 'ugc', 'a cup', 'photo/1', '{}', 'v1:bulk', 'kie', 'model/1', 5, '9:16',
     false, 2, 3600, 1800, 600, 3, 180, 900, at, 'bulk-' || i, at, at, at, at, at
   from ledger.bulk join ledger.order_groups on nonce = 'bulk-' || i cross join (select now() - interval '90 days' as at) as clock`,
  `insert into ledger.order_changes (order_id, changed_at) select order_id, now() - interval '90 days' from ledger.bulk`,
  `insert into ledger.generation_times (order_id, model, placed_at, seconds)
   select order_id, 'model/1', now() - interval '90 days', 0 from ledger.bulk where not ${released}`,
  `insert into ledger.holds (order_id, user_id, amount, free_amount, state, reason, held_at, settled_at)
   select order_id, user_id, 1, 1, case when ${released} then 'released' else 'captured' end,
     case when ${released} then 'GenerationFailed' else 'VideoDelivered' end, now() - interval '90 days', now() - interval '90 days' + i * interval '1 ms'
   from ledger.bulk`,
  `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id, booked_at)
   select case step when 1 then 'hold:' else 'settle:' end || order_id,
     case when step = 1 then 'hold' when ${released} then 'release' else 'capture' end, user_id,
     'user/' || user_id || case step when 1 then '/available' else '/held' end,
     case when step = 1 then 'user/' || user_id || '/held' when ${released} then 'user/' || user_id || '/available' else 'sys/revenue' end,
     1, 1, order_id, now() - interval '90 days'
   from ledger.bulk cross join generate_series(1, 2) as step order by i, step`,
  `insert into ledger.accounts (account_id, user_id)
   select 'user/' || user_id || side, user_id
   from ledger.people cross join unnest(array['/available', '/held', '/debt']) as side where telegram_id between 50000001 and 60000000
   on conflict do nothing`,
  `create temporary view bulk_moves as
   select transfers.* from ledger.transfers join ledger.people using (user_id) where telegram_id between 50000001 and 60000000`,
  `insert into ledger.entries (account_id, version, transfer_id, delta, previous, current, free_delta)
   select account_id, row_number() over this_account, transfer_id, delta,
     sum(delta) over this_account - delta, sum(delta) over this_account, delta
   from (
     select debit as account_id, transfer_id, -amount as delta from bulk_moves where debit like 'user/%'
     union all select credit, transfer_id, amount from bulk_moves where credit like 'user/%') as moves
   window this_account as (partition by account_id order by transfer_id)`,
  `update ledger.accounts set balance = total, free_balance = total, version = number
   from (select account_id, sum(delta) as total, count(*) as number from ledger.entries group by account_id) as sums
   where sums.account_id = accounts.account_id and balance = 0`,
  `insert into ledger.executions (order_id, stage, n, executor, attempt_n, opened_at, leased_at, ended_at, end_cause)
   select order_id, stage, 1, 'pod', case stage when 'generation' then 1 end, at, at, at, 'Completed'
   from ledger.bulk cross join unnest(array['generation', 'delivery']) as stage cross join (select now() - interval '90 days' as at) as clock
   where stage = 'generation' or not ${released}`,
  `insert into ledger.attempts (order_id, n, state, fence, lease_execution, submit_nonce, task_id, prompt, prompt_source, opened_at, accepted_at, ended_at,
     failure_class, video_key, video_sha256, video_bytes, video_seconds, video_width, video_height)
   select order_id, 1, case when ${released} then 'failed' else 'succeeded' end, 1, 1, 'bulk-' || order_id, 'task-' || order_id, 'a prompt', 'fallback', at, at, at,
     case when ${released} then 'provider-internal' end, case when not ${released} then order_id || '/a' end,
     case when not ${released} then 'a' end, case when not ${released} then 1000 end, case when not ${released} then 5 end,
     case when not ${released} then 720 end, case when not ${released} then 1280 end
   from ledger.bulk cross join (select now() - interval '90 days' as at) as clock`,
  `insert into ledger.submit_nonces (nonce, attempt_id, used_at, answer, answered_at, task_id)
   select submit_nonce, attempt_id, opened_at, 'accepted', opened_at, task_id from ledger.attempts where submit_nonce like 'bulk-%'`,
  `insert into ledger.deliveries (order_id, state, fence, lease_execution, opened_at, shown_at, shown_message_id, file_id)
   select order_id, 'shown', 1, 1, at, at, 1, 'file' from ledger.bulk cross join (select now() - interval '90 days' as at) as clock where not ${released}`,
  `insert into ledger.delivery_edits (nonce, order_id, kind, fence, begun_at, answer, answered_at)
   select 'bulk-' || order_id, order_id, 'edit', 1, at, 'shown', at
   from ledger.bulk cross join (select now() - interval '90 days' as at) as clock where not ${released}`,
  `insert into ledger.notices (order_id, chat_id, kind, fact, written_at, due_at, ended_at, ending)
   select order_id, user_id, kind, '{}', at, at, at, 'sent'
   from ledger.bulk cross join (select now() - interval '90 days' as at) as clock cross join unnest(array['progress', 'progress', 'delivered', 'failed']) as kind
   where kind = 'progress' or (kind = 'failed') = ${released}`,
];
