import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordShown } from '../../src/delivery/delivery.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { ruleOf } from '../../src/postgres/errors.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { TestLedger, type TestOrder, type TestPerson } from '../support/ledger.ts';

let ledger: TestLedger;
let person: TestPerson;
let stranger: TestPerson;
let open: TestOrder;
let submitted: TestOrder;
let stored: TestOrder;
let edited: TestOrder;
let captured: TestOrder;
let released: TestOrder;

beforeAll(async () => {
  ledger = await TestLedger.open();
  await ledger.admin.query('select ledger.set_setting($1, $2)', ['open_order_limit', '100']);
  person = await ledger.person();
  stranger = await ledger.person();
  open = await ledger.claimed(person);
  submitted = await ledger.claimed(person);
  await ledger.submitting(submitted);
  stored = await ledger.claimed(person);
  await ledger.succeeded(stored);
  edited = await ledger.claimed(person);
  await ledger.succeeded(edited);
  await ledger.editing(edited);
  captured = await ledger.claimed(person);
  await ledger.succeeded(captured);
  const { nonce } = await ledger.editing(captured);
  await recordShown(ledger.runner, captured.orderId, nonce, { messageId: 7, fileId: null });
  released = await ledger.claimed(person);
  await closeOrder(ledger.controller, released.orderId, released.uid, 'Deleted');
});

afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

/** The rule that refused the statements, tried in one transaction by the owner of the tables. */
async function refusedBy(...statements: string[]): Promise<string | undefined> {
  try {
    await inTransaction(ledger.owner, async (database) => {
      for (const statement of statements) await database.query(statement);
    });
  } catch (error) {
    const rule = ruleOf(error);
    if (rule === undefined) throw error;
    return rule;
  }
  return 'nothing refused it';
}

const settlement = (
  order: TestOrder,
  kind: 'capture' | 'release',
  options: { amount?: number; user?: number; key?: string } = {},
) => {
  const { amount = 1, user = order.userId, key = `settle:${order.orderId}` } = options;
  const to = kind === 'capture' ? 'sys/revenue' : `user/${user}/available`;
  return `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, order_id)
    values ('${key}', '${kind}', ${user}, 'user/${user}/held', '${to}', ${amount}, '${order.orderId}')`;
};
const endHold = (
  order: TestOrder,
  state: 'captured' | 'released',
  reason = state === 'captured' ? 'VideoDelivered' : 'Cancelled',
) =>
  `update ledger.holds set state = '${state}', reason = '${reason}', settled_at = now() where order_id = '${order.orderId}'`;

type Case = readonly [sentence: string, rule: string, statements: () => string[]];

const cases: readonly Case[] = [
  ['a second settlement with the same key', 'transfer_key_once', () => [settlement(captured, 'release')]],
  [
    'a second settlement with another key',
    'transfer_direction',
    () => [settlement(captured, 'release', { key: 'again' })],
  ],
  ['a release of another amount', 'transfer_of_hold', () => [settlement(open, 'release', { amount: 2 })]],
  ['a release to somebody else', 'transfer_of_hold', () => [settlement(open, 'release', { user: stranger.userId })]],
  [
    'a settlement while the hold stays open',
    'hold_matches_its_transfers',
    () => [settlement(open, 'release'), 'set constraints all immediate'],
  ],
  [
    'a closed hold without its settlement',
    'release_leaves_no_live_attempt',
    () => [endHold(open, 'released'), 'set constraints all immediate'],
  ],
  [
    'a captured hold without its settlement',
    'hold_matches_its_transfers',
    () => [
      `update ledger.deliveries set state = 'waiting' where order_id = '${stored.orderId}'`,
      endHold(stored, 'captured'),
      'set constraints ledger.hold_matches_its_transfers immediate',
    ],
  ],
  ['a release with a live attempt', 'release_leaves_no_live_attempt', () => [endHold(submitted, 'released')]],
  ['a capture with nothing made', 'capture_needs_shown_or_kept_video', () => [endHold(open, 'captured')]],
  [
    'a capture of a video that nobody was shown',
    'capture_needs_shown_or_kept_video',
    () => [endHold(stored, 'captured')],
  ],
  [
    'a release of a stored video that may still be shown',
    'release_needs_refused_delivery',
    () => [endHold(stored, 'released', 'DeliveryFailed')],
  ],
  [
    'a refused delivery over an edit without an answer',
    'delivery_refused_by_every_edit',
    () => [`update ledger.deliveries set state = 'refused', refused_at = now() where order_id = '${edited.orderId}'`],
  ],
  [
    'a settled hold opened again',
    'hold_settled_once',
    () => [
      `update ledger.holds set state = 'held', reason = null, settled_at = null where order_id = '${captured.orderId}'`,
    ],
  ],
  ['a captured hold released', 'hold_settled_once', () => [endHold(captured, 'released')]],
  [
    'a hold of another amount',
    'hold_facts_stay',
    () => [`update ledger.holds set amount = 2 where order_id = '${open.orderId}'`],
  ],
  [
    'a hold moved to somebody else',
    'hold_facts_stay',
    () => [`update ledger.holds set user_id = ${stranger.userId} where order_id = '${open.orderId}'`],
  ],
  [
    'a hold that begins settled',
    'hold_begins_held',
    () => [
      `insert into ledger.holds (order_id, user_id, amount, state, reason, settled_at)
     values ('aaaaaaaaaaaa', ${person.userId}, 1, 'released', 'Cancelled', now())`,
    ],
  ],
  [
    'a balance written by hand',
    'account_moves_only_by_transfer',
    () => [
      `update ledger.accounts set balance = 1000, version = version + 1 where account_id = 'user/${person.userId}/available'`,
    ],
  ],
  [
    'an account that begins with credits',
    'account_begins_empty',
    () => [
      `insert into ledger.accounts (account_id, user_id, balance) values ('user/${person.userId}/extra', ${person.userId}, 5)`,
    ],
  ],
  [
    'an account of another name',
    'account_name',
    () => [
      `insert into ledger.accounts (account_id, user_id) values ('user/${person.userId}/extra', ${person.userId})`,
    ],
  ],
  [
    'an entry written by hand',
    'entry_only_by_transfer',
    () => [
      `insert into ledger.entries (account_id, version, transfer_id, delta, previous, current)
     select account_id, version + 1, 1, 5, balance, balance + 5 from ledger.accounts where account_id = 'user/${person.userId}/available'`,
    ],
  ],
  [
    'an overdraft, were there no other rule',
    'account_no_overdraft',
    () => [
      'alter table ledger.transfers drop constraint transfer_direction',
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount)
       values ('more', 'release', ${person.userId}, 'user/${person.userId}/held', 'sys/revenue', 1000)`,
    ],
  ],
  [
    'a welcome grant with a key of its own',
    'transfer_direction',
    () => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount)
     values ('welcome:again', 'welcome', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 3)`,
    ],
  ],
  [
    'a second welcome grant',
    'transfer_key_once',
    () => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount)
     values ('welcome:${person.userId}', 'welcome', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 3)`,
    ],
  ],
  [
    'a transfer of nothing',
    'transfer_amount_positive',
    () => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount)
     values ('admin:x', 'grant', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 0)`,
    ],
  ],
  [
    'a transfer from one person to another',
    'transfer_direction',
    () => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount)
     values ('admin:x', 'grant', ${person.userId}, 'user/${stranger.userId}/available', 'user/${person.userId}/available', 1)`,
    ],
  ],
  ['history changed', 'transfers_never_changes', () => ['update ledger.transfers set amount = 5']],
  ['history deleted', 'transfers_never_vanishes', () => ['delete from ledger.transfers']],
  ['history truncated', 'transfers_never_vanishes', () => ['truncate ledger.transfers cascade']],
  ['entries changed', 'entries_never_changes', () => ['update ledger.entries set delta = 5']],
  ['entries deleted', 'entries_never_vanishes', () => ['delete from ledger.entries']],
  ['a hold deleted', 'holds_never_vanishes', () => ['delete from ledger.holds']],
  ['an order deleted', 'orders_never_vanishes', () => ['delete from ledger.orders']],
  ['a person deleted', 'people_never_vanishes', () => ['delete from ledger.people']],
  ['an attempt deleted', 'attempts_never_vanishes', () => ['delete from ledger.attempts']],
  ['a begun edit deleted', 'delivery_edits_never_vanishes', () => ['delete from ledger.delivery_edits']],
  ['a used nonce deleted', 'submit_nonces_never_vanishes', () => ['delete from ledger.submit_nonces']],
  [
    'the bytes of an order changed',
    'order_is_as_it_was_placed',
    () => [`update ledger.orders set video_job = '{}' where order_id = '${open.orderId}'`],
  ],
  [
    'a claim overwritten',
    'order_claimed_once',
    () => [`update ledger.orders set claimed_by = 'other' where order_id = '${open.orderId}'`],
  ],
  [
    'an admission moved',
    'order_admitted_once',
    () => [`update ledger.orders set admitted_at = now() where order_id = '${open.orderId}'`],
  ],
  [
    'a second live attempt',
    'attempt_follows_a_confirmed_failure',
    () => [`insert into ledger.attempts (order_id, n) values ('${submitted.orderId}', 2)`],
  ],
  [
    'a second live attempt beside the first',
    'one_live_attempt',
    () => [
      'alter table ledger.attempts disable trigger guard_new_attempt',
      `insert into ledger.attempts (order_id, n) values ('${submitted.orderId}', 2)`,
    ],
  ],
  [
    'an attempt that begins sent',
    'attempt_begins_ready',
    () => [`insert into ledger.attempts (order_id, n, state) values ('${open.orderId}', 2, 'intent')`],
  ],
  [
    'an attempt of a settled order',
    'attempt_needs_admitted_hold',
    () => [`insert into ledger.attempts (order_id, n) values ('${released.orderId}', 2)`],
  ],
  [
    'a sent attempt called ready without a refusal',
    'attempt_goes_back_on_a_sure_refusal',
    () => [`update ledger.attempts set state = 'ready', submit_nonce = null where order_id = '${submitted.orderId}'`],
  ],
  [
    'a submit without a nonce',
    'submit_nonce_begins_once',
    () => [`update ledger.attempts set state = 'intent' where order_id = '${open.orderId}'`],
  ],
  [
    'a submit with the nonce of another',
    'submit_nonce_begins_once',
    () => [
      `update ledger.attempts set state = 'intent', submit_nonce = (
       select submit_nonce from ledger.attempts where order_id = '${submitted.orderId}') where order_id = '${open.orderId}'`,
    ],
  ],
  [
    'a ready attempt that succeeds',
    'attempt_transition',
    () => [`update ledger.attempts set state = 'succeeded' where order_id = '${open.orderId}'`],
  ],
  [
    'a succeeded attempt that fails',
    'attempt_transition',
    () => [
      `update ledger.attempts set state = 'failed', failure_class = 'provider-busy' where order_id = '${stored.orderId}'`,
    ],
  ],
  [
    'a fence that goes back',
    'attempt_facts_stay',
    () => [`update ledger.attempts set fence = fence - 1 where order_id = '${submitted.orderId}'`],
  ],
  [
    'a delivery without a stored video',
    'delivery_needs_stored_video',
    () => [`insert into ledger.deliveries (order_id) values ('${open.orderId}')`],
  ],
  [
    'a delivery called shown that no edit showed',
    'delivery_shown_by_an_edit',
    () => [
      `update ledger.deliveries set state = 'shown', shown_at = now(), shown_message_id = 1 where order_id = '${edited.orderId}'`,
    ],
  ],
  [
    'a delivery that skips its edit',
    'delivery_transition',
    () => [
      `update ledger.deliveries set state = 'shown', shown_at = now(), shown_message_id = 1 where order_id = '${stored.orderId}'`,
    ],
  ],
  [
    'a kept video that nobody paid for',
    'shown_or_kept_is_captured',
    () => [
      `update ledger.deliveries set state = 'waiting' where order_id = '${stored.orderId}'`,
      'set constraints all immediate',
    ],
  ],
  [
    'an edit of a settled order',
    'edit_begins_while_held',
    () => [
      `insert into ledger.delivery_edits (nonce, order_id, kind) values ('${randomUUID()}', '${captured.orderId}', 'edit')`,
    ],
  ],
  [
    'an answered edit answered otherwise',
    'edit_answer_stays',
    () => [
      `update ledger.delivery_edits set answer = 'refused', meaning = 'final' where order_id = '${captured.orderId}'`,
    ],
  ],
  [
    'a group with a missing order',
    'order_group_is_whole',
    () => [
      `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total) values (${person.userId}, 'n', 'h', 3, 1, 3)`,
      'set constraints all immediate',
    ],
  ],
  [
    'a group of two',
    'order_group_count',
    () => [
      `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total) values (${person.userId}, 'n', 'h', 2, 1, 2)`,
    ],
  ],
];

describe('what the tables refuse even to their owner', () => {
  it.each(cases)('%s', async (_sentence, rule, statements) => {
    expect(await refusedBy(...statements())).toBe(rule);
  });
});
