import type { ForbiddenStatement } from './forbidden-statements.ts';

/** Tables whose rows stay for ever, and among them those whose rows never change either. */
const kept =
  'accounts holds people orders order_groups executions attempts submit_nonces deliveries delivery_edits transfers entries';
const unchanging = 'transfers entries order_groups';

/** A column that every row of the table has, written with the value it has. */
const touched: Readonly<Record<string, string>> = {
  transfers: 'amount = amount',
  entries: 'delta = delta',
  order_groups: 'count = count',
};

const tables = (names: string): string[] => names.split(' ');

/** What history refuses: to be deleted, emptied or altered. */
export const historyRules: readonly ForbiddenStatement[] = [
  ...tables(`${kept} settings`).map((table) => ({
    sentence: `a row of ${table} deleted`,
    rule: `${table}_never_vanishes`,
    statements: () => [`delete from ledger.${table}`],
  })),
  ...tables(kept).map((table) => ({
    sentence: `${table} emptied`,
    rule: `${table}_never_vanishes`,
    statements: () => [`truncate ledger.${table} cascade`],
  })),
  ...tables(unchanging).map((table) => ({
    sentence: `a row of ${table} written again`,
    rule: `${table}_never_changes`,
    statements: () => [`update ledger.${table} set ${touched[table]}`],
  })),
];

const aHeld = "(select order_id from ledger.holds where state = 'held' order by order_id limit 1)";

/** What the guards of single tables refuse, where no other rule stands before them. */
export const guardRules: readonly ForbiddenStatement[] = [
  {
    sentence: 'an order that is not what its VideoJob says',
    rule: 'order_agrees_with_its_video_job',
    statements: () => [
      `insert into ledger.orders select (jsonb_populate_record(o, '{"order_id": "zzzzzzzzzzzz"}')).* from ledger.orders as o limit 1`,
    ],
  },
  {
    sentence: 'an execution of another executor',
    rule: 'execution_facts_stay',
    statements: () => ["update ledger.executions set executor = 'managed' where executor = 'pod'"],
  },
  {
    sentence: 'an end of an execution taken back',
    rule: 'execution_facts_stay',
    statements: () => [
      "update ledger.executions set ended_at = now(), end_cause = 'Lost' where ended_at is null",
      'update ledger.executions set ended_at = null, end_cause = null',
    ],
  },
  {
    sentence: 'an accepted submit called refused',
    rule: 'submit_answer_stays',
    statements: () => ["update ledger.submit_nonces set answer = 'refused', task_id = null where answer = 'accepted'"],
  },
  {
    sentence: 'a nonce given to another attempt',
    rule: 'submit_answer_stays',
    statements: () => ['update ledger.submit_nonces set attempt_id = null, answer = null, task_id = null'],
  },
  {
    sentence: 'one more order in a whole group',
    rule: 'order_group_is_whole',
    statements: () => [
      'alter table ledger.orders disable trigger read_video_job',
      `insert into ledger.orders
         select (jsonb_populate_record(o, jsonb_build_object('order_id', 'zzzzzzzzzzzz', 'position', 9))).* from ledger.orders as o limit 1`,
      "insert into ledger.holds (order_id, user_id, amount, free_amount) select order_id, user_id, credits, 0 from ledger.orders where order_id = 'zzzzzzzzzzzz'",
      'set constraints all immediate',
    ],
  },
  {
    sentence: 'a hold that ends without its transfer',
    rule: 'hold_matches_its_transfers',
    statements: () => [
      'alter table ledger.holds disable trigger guard_hold',
      `update ledger.holds set state = 'released', reason = 'Cancelled', settled_at = now() where order_id = ${aHeld}`,
      'set constraints all immediate',
    ],
  },
  {
    sentence: 'a released order whose video is shown',
    rule: 'released_is_never_shown',
    statements: () => [
      'alter table ledger.holds disable trigger guard_hold',
      `update ledger.holds set state = 'released', reason = 'DeliveryFailed', settled_at = now()
         where state = 'held' and exists (select from ledger.deliveries where deliveries.order_id = holds.order_id and state = 'pending')`,
      "update ledger.deliveries set state = 'editing' where state = 'pending'",
    ],
  },
];
