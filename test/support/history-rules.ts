import type { ForbiddenStatement } from './forbidden-statements.ts';
import { lonely, lonelyOverSample, sampleOf } from './lonely-rule.ts';

/** Tables whose rows stay for ever, and those whose rows never change either. */
const kept =
  'accounts holds people orders executions attempts submit_nonces deliveries delivery_edits packages payments payment_refunds promos reclaims restore_marks';
const unchanging =
  'transfers entries order_groups admin_actions chargebacks invoices lost_orders payment_conflicts payment_resolutions rebuilt_orders';

const tables = (names: string): string[] => names.split(' ');

/** What history refuses: to be deleted, emptied or altered. */
export const historyRules: readonly ForbiddenStatement[] = [
  ...tables(`${kept} settings`).map((table) => ({
    sentence: `a row of ${table} deleted`,
    rule: `${table}_never_vanishes`,
    statements: () => [...lonelyOverSample(table, `${table}_stay`), `delete from ledger.${table}`],
  })),
  ...tables(unchanging).map((table) => ({
    sentence: `a row of ${table} deleted`,
    rule: `${table}_never_vanishes`,
    statements: () => [...lonelyOverSample(table, `${table}_append_only`), `delete from ledger.${table}`],
  })),
  ...tables(`${kept} ${unchanging}`).map((table) => ({
    sentence: `${table} emptied`,
    rule: `${table}_never_vanishes`,
    statements: () => [`truncate ledger.${table} cascade`],
  })),
  ...tables(unchanging).map((table) => ({
    sentence: `a row of ${table} written again`,
    rule: `${table}_never_changes`,
    statements: () => [
      ...lonelyOverSample(table, `${table}_append_only`),
      `update ledger.${table} set ${anyColumn[table]} = ${anyColumn[table]}`,
    ],
  })),
];

/** A column of tables that only grow, written with the value it has. */
const anyColumn: Readonly<Record<string, string>> = {
  transfers: 'amount',
  entries: 'delta',
  order_groups: 'count',
  admin_actions: 'reason',
  chargebacks: 'source',
  invoices: 'stars',
  lost_orders: 'epoch',
  payment_conflicts: 'said',
  payment_resolutions: 'charge_id',
  rebuilt_orders: 'epoch',
};

/** Audit mode, entered by hand in a transaction that never commits. */
const auditMode = "update ledger.restore_marks set state = 'audit', cause = 'database-forgot', entered_at = now()";

function inAuditMode(table: string, trigger: string, statement: string): ForbiddenStatement {
  return {
    sentence: `in audit mode, what ${trigger} is about`,
    rule: 'nothing_begins_in_audit',
    statements: () => [lonely(table, trigger), auditMode, statement],
  };
}

/** What may not be said of rows that are there, with every other rule of their table asleep. */
function overSample(
  table: string,
  trigger: string,
  rule: string,
  sentence: string,
  ...statements: string[]
): ForbiddenStatement {
  return { sentence, rule, statements: () => [...lonelyOverSample(table, trigger), ...statements] };
}

/** What may not be added, with every other rule of the table asleep. */
function alone(
  table: string,
  trigger: string,
  rule: string,
  sentence: string,
  ...statements: string[]
): ForbiddenStatement {
  return { sentence, rule, statements: () => [lonely(table, trigger), ...statements, 'set constraints all immediate'] };
}

const transfer = (columns: string, values: string): string =>
  `insert into ledger.transfers (idempotency_key, user_id, debit, credit, amount, free_amount${columns}) values ('k', 1, 'a', 'b', 999, 999${values})`;

const moneyRules: readonly ForbiddenStatement[] = [
  overSample(
    'packages',
    'guard_package',
    'package_facts_stay',
    'a package of another price',
    'update ledger.packages set stars = 6',
  ),
  overSample('promos', 'guard_promo', 'promo_facts_stay', 'a code worth more', 'update ledger.promos set credits = 6'),
  overSample(
    'payments',
    'guard_payment',
    'payment_facts_stay',
    'a payment of other credits',
    'update ledger.payments set credits = 6',
  ),
  overSample(
    'payment_refunds',
    'guard_refund',
    'refund_facts_stay',
    'a refund of other credits',
    'update ledger.payment_refunds set credits = 6',
  ),
  alone(
    'payment_refunds',
    'guard_new_refund',
    'payment_goes_back_whole',
    'a refund of no payment',
    ...sampleOf('payment_refunds'),
  ),
  alone(
    'chargebacks',
    'guard_new_chargeback',
    'payment_goes_back_whole',
    'a chargeback of no payment',
    ...sampleOf('chargebacks'),
  ),
  alone(
    'payments',
    'payment_has_its_topup',
    'payment_has_its_topup',
    'a payment without its credits',
    ...sampleOf('payments'),
  ),
  alone(
    'chargebacks',
    'chargeback_takes_or_owes_all',
    'chargeback_takes_or_owes_all',
    'a chargeback that takes nothing',
    ...sampleOf('chargebacks'),
  ),
  alone(
    'payment_refunds',
    'refund_matches_its_transfers',
    'refund_matches_its_transfers',
    'a refund that takes nothing',
    ...sampleOf('payment_refunds'),
  ),
  alone(
    'transfers',
    'transfer_matches_its_ground',
    'forfeit_by_forgotten_person',
    'credits forfeited by somebody who is here',
    `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
       select 'k', 'forfeit', user_id, 'a', 'b', 1, 1 from ledger.people where telegram_id is not null limit 1`,
  ),
  alone(
    'transfers',
    'guard_new_transfer',
    'grant_is_the_setting',
    'a welcome of another size',
    transfer(', kind', ", 'welcome'"),
  ),
  alone(
    'accounts',
    'debt_is_repaid_first',
    'debt_is_repaid_first',
    'credits to spend beside a debt',
    "update ledger.accounts set balance = balance + 5 where account_id like 'user/%/debt' or account_id like 'user/%/available'",
  ),
  alone(
    'people',
    'guard_person',
    'person_facts_stay',
    'another code to invite with',
    "update ledger.people set referral_code = 'aaaaaaaaaa'",
  ),
  alone(
    'people',
    'guard_new_person',
    'referrer_is_written_at_the_first_start',
    'a person that begins invited',
    "insert into ledger.people (telegram_id, language, referred_by) values (-5, 'en', 1)",
  ),
];

const restoreRules: readonly ForbiddenStatement[] = [
  alone(
    'restore_marks',
    'guard_restore_marks',
    'restore_marks_only_rise',
    'an epoch before',
    'update ledger.restore_marks set epoch = epoch - 1',
  ),
  overSample(
    'reclaims',
    'guard_reclaim',
    'reclaim_facts_stay',
    'another former claimant',
    "update ledger.reclaims set former_uid = 'x'",
  ),
  inAuditMode('orders', 'audit_mode_places_nothing', 'insert into ledger.orders select * from ledger.orders limit 1'),
  inAuditMode('orders', 'audit_mode_claims_nothing', "update ledger.orders set claimed_by = 'somebody'"),
  inAuditMode(
    'attempts',
    'audit_mode_opens_no_attempt',
    "insert into ledger.attempts (order_id, n) values ('nowhere', 1)",
  ),
  inAuditMode(
    'executions',
    'audit_mode_opens_no_execution',
    "insert into ledger.executions (order_id, stage, n, executor) values ('nowhere', 'delivery', 1, 'pod')",
  ),
  inAuditMode(
    'submit_nonces',
    'audit_mode_submits_nothing',
    "insert into ledger.submit_nonces (nonce, attempt_id) values ('n', -1)",
  ),
  inAuditMode(
    'delivery_edits',
    'audit_mode_edits_nothing',
    "insert into ledger.delivery_edits (nonce, kind, order_id) values ('n', 'edit', 'nowhere')",
  ),
  inAuditMode('holds', 'audit_mode_settles_nothing', "update ledger.holds set state = 'released' where state = 'held'"),
  {
    sentence: 'a new person before the numbers have moved on',
    rule: 'nothing_begins_in_restarted',
    statements: () => [
      lonely('people', 'audit_mode_moves_the_numbers_first'),
      "update ledger.restore_marks set incarnation = 'another'",
      "insert into ledger.people (telegram_id, language) values (-5, 'en')",
    ],
  },
];

const aHeld = "(select order_id from ledger.holds where state = 'held' order by order_id limit 1)";

/** What the guards of single tables refuse, where no other rule stands before them. */
export const guardRules: readonly ForbiddenStatement[] = [
  ...moneyRules,
  ...restoreRules,
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
