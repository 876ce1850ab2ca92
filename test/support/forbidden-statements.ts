import { randomUUID } from 'node:crypto';
import { recordShown } from '../../src/delivery/delivery.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { forbiddenMoney, forbiddenPeople } from './forbidden-money.ts';
import type { TestLedger, TestOrder, TestPerson } from './ledger.ts';
import { buildMoneyScene, type MoneyScene } from './money-scene.ts';

/** Two persons, and one order in each of the states that rules speak of. */
export type Scene = {
  readonly person: TestPerson;
  readonly stranger: TestPerson;
  readonly open: TestOrder;
  readonly submitted: TestOrder;
  readonly stored: TestOrder;
  readonly edited: TestOrder;
  readonly captured: TestOrder;
  readonly released: TestOrder;
  readonly money: MoneyScene;
};

/** What no statement may do, each with the rule that refuses it even to the owner of the tables. */
export type ForbiddenStatement = {
  readonly sentence: string;
  readonly rule: string;
  /** Of one transaction. */
  readonly statements: (scene: Scene) => readonly string[];
};

/** Plays orders as far as the rules need them. */
export async function buildScene(ledger: TestLedger): Promise<Scene> {
  await ledger.admin.query('select ledger.set_setting($1, $2)', ['open_order_limit', '100']);
  const person = await ledger.person();
  const stranger = await ledger.person();
  const open = await ledger.claimed(person);
  const submitted = await ledger.claimed(person);
  await ledger.submitting(submitted);
  const stored = await ledger.claimed(person);
  await ledger.succeeded(stored);
  const edited = await ledger.claimed(person);
  await ledger.succeeded(edited);
  await ledger.editing(edited);
  const captured = await ledger.claimed(person);
  await ledger.succeeded(captured);
  const { nonce } = await ledger.editing(captured);
  await recordShown(ledger.runner, captured.orderId, nonce, { messageId: 7, fileId: null });
  const released = await ledger.claimed(person);
  await closeOrder(ledger.controller, released.orderId, released.uid, 'Deleted');
  const money = await buildMoneyScene(ledger);
  return { person, stranger, open, submitted, stored, edited, captured, released, money };
}

const settlement = (
  order: TestOrder,
  kind: 'capture' | 'release',
  options: { amount?: number; user?: number; key?: string } = {},
) => {
  const { amount = 1, user = order.userId, key = `settle:${order.orderId}` } = options;
  const to = kind === 'capture' ? 'sys/revenue' : `user/${user}/available`;
  return `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id)
    values ('${key}', '${kind}', ${user}, 'user/${user}/held', '${to}', ${amount}, ${amount}, '${order.orderId}')`;
};
const endHold = (
  order: TestOrder,
  state: 'captured' | 'released',
  reason = state === 'captured' ? 'VideoDelivered' : 'Cancelled',
) =>
  `update ledger.holds set state = '${state}', reason = '${reason}', settled_at = now() where order_id = '${order.orderId}'`;

export const forbiddenStatements: readonly ForbiddenStatement[] = [
  ...forbiddenMoney,
  ...forbiddenPeople,
  {
    sentence: 'a second settlement with the same key',
    rule: 'transfer_key_once',
    statements: ({ captured }) => [settlement(captured, 'release')],
  },
  {
    sentence: 'a second settlement with another key',
    rule: 'transfer_direction',
    statements: ({ captured }) => [settlement(captured, 'release', { key: 'again' })],
  },
  {
    sentence: 'a release of another amount',
    rule: 'transfer_of_hold',
    statements: ({ open }) => [settlement(open, 'release', { amount: 2 })],
  },
  {
    sentence: 'a release to somebody else',
    rule: 'transfer_of_hold',
    statements: ({ stranger, open }) => [settlement(open, 'release', { user: stranger.userId })],
  },
  {
    sentence: 'a settlement while the hold stays open',
    rule: 'hold_matches_its_transfers',
    statements: ({ open }) => [settlement(open, 'release'), 'set constraints all immediate'],
  },
  {
    sentence: 'a closed hold without its settlement',
    rule: 'release_leaves_no_live_attempt',
    statements: ({ open }) => [endHold(open, 'released'), 'set constraints all immediate'],
  },
  {
    sentence: 'a captured hold without its settlement',
    rule: 'hold_matches_its_transfers',
    statements: ({ stored }) => [
      `update ledger.deliveries set state = 'waiting' where order_id = '${stored.orderId}'`,
      endHold(stored, 'captured'),
      'set constraints ledger.hold_matches_its_transfers immediate',
    ],
  },
  {
    sentence: 'a release with a live attempt',
    rule: 'release_leaves_no_live_attempt',
    statements: ({ submitted }) => [endHold(submitted, 'released')],
  },
  {
    sentence: 'a capture with nothing made',
    rule: 'capture_needs_shown_or_kept_video',
    statements: ({ open }) => [endHold(open, 'captured')],
  },
  {
    sentence: 'a capture of a video that nobody was shown',
    rule: 'capture_needs_shown_or_kept_video',
    statements: ({ stored }) => [endHold(stored, 'captured')],
  },
  {
    sentence: 'a release of a stored video that may still be shown',
    rule: 'release_needs_refused_delivery',
    statements: ({ stored }) => [endHold(stored, 'released', 'DeliveryFailed')],
  },
  {
    sentence: 'a refused delivery over an edit without an answer',
    rule: 'delivery_refused_by_every_edit',
    statements: ({ edited }) => [
      `update ledger.deliveries set state = 'refused', refused_at = now() where order_id = '${edited.orderId}'`,
    ],
  },
  {
    sentence: 'a settled hold opened again',
    rule: 'hold_settled_once',
    statements: ({ captured }) => [
      `update ledger.holds set state = 'held', reason = null, settled_at = null where order_id = '${captured.orderId}'`,
    ],
  },
  {
    sentence: 'a captured hold released',
    rule: 'hold_settled_once',
    statements: ({ captured }) => [endHold(captured, 'released')],
  },
  {
    sentence: 'a hold of another amount',
    rule: 'hold_facts_stay',
    statements: ({ open }) => [`update ledger.holds set amount = 2 where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'a hold moved to somebody else',
    rule: 'hold_facts_stay',
    statements: ({ stranger, open }) => [
      `update ledger.holds set user_id = ${stranger.userId} where order_id = '${open.orderId}'`,
    ],
  },
  {
    sentence: 'a hold that begins settled',
    rule: 'hold_begins_held',
    statements: ({ person }) => [
      `insert into ledger.holds (order_id, user_id, amount, free_amount, state, reason, settled_at)
     values ('aaaaaaaaaaaa', ${person.userId}, 1, 1, 'released', 'Cancelled', now())`,
    ],
  },
  {
    sentence: 'a balance written by hand',
    rule: 'account_moves_only_by_transfer',
    statements: ({ person }) => [
      `update ledger.accounts set balance = 1000, version = version + 1 where account_id = 'user/${person.userId}/available'`,
    ],
  },
  {
    sentence: 'an account that begins with credits',
    rule: 'account_begins_empty',
    statements: ({ person }) => [
      `insert into ledger.accounts (account_id, user_id, balance) values ('user/${person.userId}/extra', ${person.userId}, 5)`,
    ],
  },
  {
    sentence: 'an account of another name',
    rule: 'account_name',
    statements: ({ person }) => [
      `insert into ledger.accounts (account_id, user_id) values ('user/${person.userId}/extra', ${person.userId})`,
    ],
  },
  {
    sentence: 'an entry written by hand',
    rule: 'entry_only_by_transfer',
    statements: ({ person }) => [
      `insert into ledger.entries (account_id, version, transfer_id, delta, previous, current, free_delta)
     select account_id, version + 1, 1, 5, balance, balance + 5, 5 from ledger.accounts where account_id = 'user/${person.userId}/available'`,
    ],
  },
  {
    sentence: 'an overdraft, were there no other rule',
    rule: 'account_no_overdraft',
    statements: ({ person }) => [
      'alter table ledger.transfers drop constraint transfer_direction, drop constraint transfer_ground',
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
       values ('more', 'release', ${person.userId}, 'user/${person.userId}/held', 'sys/revenue', 1000, 0)`,
    ],
  },
  {
    sentence: 'a welcome grant with a key of its own',
    rule: 'transfer_direction',
    statements: ({ person }) => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
     values ('welcome:again', 'welcome', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 3, 3)`,
    ],
  },
  {
    sentence: 'a second welcome grant',
    rule: 'transfer_key_once',
    statements: ({ person }) => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
     values ('welcome:${person.userId}', 'welcome', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 3, 3)`,
    ],
  },
  {
    sentence: 'a transfer of nothing',
    rule: 'transfer_amount_positive',
    statements: ({ person }) => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
     values ('admin:x', 'grant', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 0, 0)`,
    ],
  },
  {
    sentence: 'a transfer from one person to another',
    rule: 'transfer_direction',
    statements: ({ person, stranger }) => [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
     values ('admin:x', 'grant', ${person.userId}, 'user/${stranger.userId}/available', 'user/${person.userId}/available', 1, 1)`,
    ],
  },
  {
    sentence: 'history changed',
    rule: 'transfers_never_changes',
    statements: () => ['update ledger.transfers set amount = 5'],
  },
  {
    sentence: 'history deleted',
    rule: 'transfers_never_vanishes',
    statements: () => ['delete from ledger.transfers'],
  },
  {
    sentence: 'history truncated',
    rule: 'transfers_never_vanishes',
    statements: () => ['truncate ledger.transfers cascade'],
  },
  {
    sentence: 'entries changed',
    rule: 'entries_never_changes',
    statements: () => ['update ledger.entries set delta = 5'],
  },
  {
    sentence: 'entries deleted',
    rule: 'entries_never_vanishes',
    statements: () => ['delete from ledger.entries'],
  },
  {
    sentence: 'a hold deleted',
    rule: 'holds_never_vanishes',
    statements: () => ['delete from ledger.holds'],
  },
  {
    sentence: 'an order deleted',
    rule: 'orders_never_vanishes',
    statements: () => ['delete from ledger.orders'],
  },
  {
    sentence: 'a person deleted',
    rule: 'people_never_vanishes',
    statements: () => ['delete from ledger.people'],
  },
  {
    sentence: 'an attempt deleted',
    rule: 'attempts_never_vanishes',
    statements: () => ['delete from ledger.attempts'],
  },
  {
    sentence: 'a begun edit deleted',
    rule: 'delivery_edits_never_vanishes',
    statements: () => ['delete from ledger.delivery_edits'],
  },
  {
    sentence: 'a used nonce deleted',
    rule: 'submit_nonces_never_vanishes',
    statements: () => ['delete from ledger.submit_nonces'],
  },
  {
    sentence: 'the bytes of an order changed',
    rule: 'order_is_as_it_was_placed',
    statements: ({ open }) => [`update ledger.orders set video_job = '{}' where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'a claim overwritten',
    rule: 'order_claimed_once',
    statements: ({ open }) => [`update ledger.orders set claimed_by = 'other' where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'an admission moved',
    rule: 'order_admitted_once',
    statements: ({ open }) => [`update ledger.orders set admitted_at = now() where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'a second live attempt',
    rule: 'attempt_follows_a_confirmed_failure',
    statements: ({ submitted }) => [`insert into ledger.attempts (order_id, n) values ('${submitted.orderId}', 2)`],
  },
  {
    sentence: 'a second live attempt beside the first',
    rule: 'one_live_attempt',
    statements: ({ submitted }) => [
      'alter table ledger.attempts disable trigger guard_new_attempt',
      `insert into ledger.attempts (order_id, n) values ('${submitted.orderId}', 2)`,
    ],
  },
  {
    sentence: 'an attempt that begins sent',
    rule: 'attempt_begins_ready',
    statements: ({ open }) => [
      `insert into ledger.attempts (order_id, n, state) values ('${open.orderId}', 2, 'intent')`,
    ],
  },
  {
    sentence: 'an attempt of a settled order',
    rule: 'attempt_needs_admitted_hold',
    statements: ({ released }) => [`insert into ledger.attempts (order_id, n) values ('${released.orderId}', 2)`],
  },
  {
    sentence: 'a sent attempt called ready without a refusal',
    rule: 'attempt_goes_back_on_a_sure_refusal',
    statements: ({ submitted }) => [
      `update ledger.attempts set state = 'ready', submit_nonce = null where order_id = '${submitted.orderId}'`,
    ],
  },
  {
    sentence: 'a submit without a nonce',
    rule: 'submit_nonce_begins_once',
    statements: ({ open }) => [`update ledger.attempts set state = 'intent' where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'a submit with the nonce of another',
    rule: 'submit_nonce_begins_once',
    statements: ({ open, submitted }) => [
      `update ledger.attempts set state = 'intent', submit_nonce = (
       select submit_nonce from ledger.attempts where order_id = '${submitted.orderId}') where order_id = '${open.orderId}'`,
    ],
  },
  {
    sentence: 'a ready attempt that succeeds',
    rule: 'attempt_transition',
    statements: ({ open }) => [`update ledger.attempts set state = 'succeeded' where order_id = '${open.orderId}'`],
  },
  {
    sentence: 'a succeeded attempt that fails',
    rule: 'attempt_transition',
    statements: ({ stored }) => [
      `update ledger.attempts set state = 'failed', failure_class = 'provider-busy' where order_id = '${stored.orderId}'`,
    ],
  },
  {
    sentence: 'a fence that goes back',
    rule: 'attempt_facts_stay',
    statements: ({ submitted }) => [
      `update ledger.attempts set fence = fence - 1 where order_id = '${submitted.orderId}'`,
    ],
  },
  {
    sentence: 'a delivery without a stored video',
    rule: 'delivery_needs_stored_video',
    statements: ({ open }) => [`insert into ledger.deliveries (order_id) values ('${open.orderId}')`],
  },
  {
    sentence: 'a delivery called shown that no edit showed',
    rule: 'delivery_shown_by_an_edit',
    statements: ({ edited }) => [
      `update ledger.deliveries set state = 'shown', shown_at = now(), shown_message_id = 1 where order_id = '${edited.orderId}'`,
    ],
  },
  {
    sentence: 'a delivery that skips its edit',
    rule: 'delivery_transition',
    statements: ({ stored }) => [
      `update ledger.deliveries set state = 'shown', shown_at = now(), shown_message_id = 1 where order_id = '${stored.orderId}'`,
    ],
  },
  {
    sentence: 'a kept video that nobody paid for',
    rule: 'shown_or_kept_is_captured',
    statements: ({ stored }) => [
      `update ledger.deliveries set state = 'waiting' where order_id = '${stored.orderId}'`,
      'set constraints all immediate',
    ],
  },
  {
    sentence: 'an edit of a settled order',
    rule: 'edit_begins_while_held',
    statements: ({ captured }) => [
      `insert into ledger.delivery_edits (nonce, order_id, kind) values ('${randomUUID()}', '${captured.orderId}', 'edit')`,
    ],
  },
  {
    sentence: 'an answered edit answered otherwise',
    rule: 'edit_answer_stays',
    statements: ({ captured }) => [
      `update ledger.delivery_edits set answer = 'refused', meaning = 'final' where order_id = '${captured.orderId}'`,
    ],
  },
  {
    sentence: 'a group with a missing order',
    rule: 'order_group_is_whole',
    statements: ({ person }) => [
      `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total) values (${person.userId}, 'n', 'h', 3, 1, 3)`,
      'set constraints all immediate',
    ],
  },
  {
    sentence: 'a group of two',
    rule: 'order_group_count',
    statements: ({ person }) => [
      `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total) values (${person.userId}, 'n', 'h', 2, 1, 2)`,
    ],
  },
];
