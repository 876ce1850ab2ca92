import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerEdit, beginEdit, type EditAnswer, recordShown } from '../../src/delivery/delivery.ts';
import { answerSubmit, failAttempt, openAttempt, rejectAttempt } from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { cancelOrder, closeOrder } from '../../src/ledger/settlement.ts';
import { setSuspended } from '../../src/order/observation.ts';
import { TestLedger, type TestOrder } from '../support/ledger.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
});
afterAll(() => ledger.close());

const unknown = { kind: 'unknown', failureClass: 'delivery-network' } as const;
const refused = (meaning: 'final' | 'unreachable' | 'missing-message' | 'retry'): EditAnswer => ({
  kind: 'refused',
  meaning,
  failureClass: 'delivery-file',
  retryAfterSeconds: 0,
});

async function failedOnce(order: TestOrder): Promise<void> {
  const { lease } = await ledger.accepted(order);
  await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'provider-internal', 'failed');
}
async function edited(order: TestOrder, ...answers: EditAnswer[]): Promise<void> {
  await ledger.succeeded(order);
  const { nonce, fence } = await ledger.editing(order);
  await Promise.all(answers.slice(0, 1).map((answer) => answerEdit(ledger.runner, nonce, answer)));
  for (const answer of answers.slice(1)) {
    const next = randomUUID();
    await beginEdit(ledger.runner, order.orderId, fence, next);
    await answerEdit(ledger.runner, next, answer);
  }
}
async function captured(order: TestOrder): Promise<void> {
  await ledger.succeeded(order);
  const { nonce } = await ledger.editing(order);
  await recordShown(ledger.runner, order.orderId, nonce, { messageId: 7, fileId: null });
}

/** Everything an order may be found in. */
const found = {
  queued: async () => undefined,
  ready: async () => undefined,
  suspended: (order) => setSuspended(ledger.controller, order.orderId, order.uid, true),
  intent: (order) => ledger.submitting(order),
  unknown: async (order) => {
    const { nonce } = await ledger.submitting(order);
    await answerSubmit(ledger.runner, nonce, { kind: 'unknown' });
  },
  accepted: (order) => ledger.accepted(order),
  'failed, another allowed': failedOnce,
  'ready again': async (order) => {
    await failedOnce(order);
    await openAttempt(ledger.controller, order.orderId, order.uid, 2);
  },
  'rejected by a verdict': async (order) => {
    const lease = await ledger.leased(order);
    await rejectAttempt(ledger.runner, lease.attemptId, lease.fence, 'user-photo', 'unreadable');
  },
  stored: (order) => ledger.succeeded(order),
  'an edit without an answer': (order) => edited(order),
  'an edit with an unknown answer': (order) => edited(order, unknown),
  'an edit refused for now': (order) => edited(order, refused('retry')),
  'edits refused for good': (order) => edited(order, refused('retry'), refused('final')),
  'a refusal for good over an unknown edit': (order) => edited(order, unknown, refused('final')),
  unreachable: (order) => edited(order, refused('unreachable')),
  shown: captured,
} as const satisfies Record<string, (order: TestOrder) => Promise<unknown>>;

const ends = {
  Deleted: ({ orderId, uid }) => closeOrder(ledger.controller, orderId, uid, 'Deleted'),
  Forfeit: ({ orderId }) => closeOrder(ledger.admin, orderId, null, 'Forfeit'),
  InvalidSpec: ({ orderId, uid }) => closeOrder(ledger.controller, orderId, uid, 'InvalidSpec'),
  Cancel: ({ orderId, userId }) => cancelOrder(ledger.bot, orderId, userId),
  '24 h': async (order) => {
    await ledger.pass(order, 86_421);
    await closeOverdueHolds(ledger.controller);
  },
} as const satisfies Record<string, (order: TestOrder) => Promise<unknown>>;
type End = keyof typeof ends;
const endNames = ['Deleted', 'Forfeit', 'InvalidSpec', 'Cancel', '24 h'] as const satisfies readonly End[];

/** By design: credits and reason, then the last attempt, then the delivery. `open` means that the request changed nothing. */
const table: Readonly<Record<keyof typeof found, Readonly<Record<End, string>>>> = {
  queued: {
    Deleted: 'released Deleted - -',
    Forfeit: 'released Cancelled - -',
    InvalidSpec: 'released InvalidSpec - -',
    Cancel: 'released Cancelled - -',
    '24 h': 'released WaitedTooLong - -',
  },
  ready: beforeTheVideo('rejected', 'PodStartFailed'),
  suspended: beforeTheVideo('rejected', 'PodStartFailed'),
  intent: paid('ProviderOutcomeUnknown'),
  unknown: paid('ProviderOutcomeUnknown'),
  accepted: paid('GenerationDeadlineExceeded'),
  'failed, another allowed': beforeTheVideo('failed', 'GenerationFailed'),
  'ready again': beforeTheVideo('rejected', 'GenerationFailed'),
  'rejected by a verdict': beforeTheVideo('rejected', 'PhotoUnsuitable'),
  stored: kept('released DeliveryFailed succeeded refused'),
  'an edit without an answer': kept('captured DeliveryUnconfirmed succeeded uncertain'),
  'an edit with an unknown answer': kept('captured DeliveryUnconfirmed succeeded uncertain'),
  'an edit refused for now': kept('released DeliveryFailed succeeded refused'),
  'edits refused for good': {
    ...kept('released DeliveryFailed succeeded refused'),
    Deleted: 'released DeliveryFailed succeeded refused',
  },
  'a refusal for good over an unknown edit': {
    ...kept('captured DeliveryUnconfirmed succeeded uncertain'),
    Deleted: 'captured DeliveryUnconfirmed succeeded uncertain',
  },
  unreachable: settled('captured RecipientUnreachable succeeded waiting'),
  shown: settled('captured VideoDelivered succeeded shown'),
};

function beforeTheVideo(attempt: string, atTheEnd: string): Record<End, string> {
  return {
    Deleted: `released Deleted ${attempt} -`,
    Forfeit: `released Cancelled ${attempt} -`,
    InvalidSpec: `released InvalidSpec ${attempt} -`,
    Cancel: `released Cancelled ${attempt} -`,
    '24 h': `released ${atTheEnd} ${attempt} -`,
  };
}
function paid(atTheEnd: string): Record<End, string> {
  return {
    Deleted: 'released Deleted abandoned -',
    Forfeit: 'released Cancelled abandoned -',
    InvalidSpec: 'open',
    Cancel: 'open',
    '24 h': `released ${atTheEnd} abandoned -`,
  };
}
function kept(atTheEnd: string): Record<End, string> {
  return {
    Deleted: 'captured Deleted succeeded waiting',
    Forfeit: 'open',
    InvalidSpec: 'open',
    Cancel: 'open',
    '24 h': atTheEnd,
  };
}
function settled(as: string): Record<End, string> {
  return { Deleted: as, Forfeit: as, InvalidSpec: as, Cancel: as, '24 h': as };
}

async function stateOf({ orderId }: TestOrder): Promise<string> {
  const seen = await ledger.observe({ orderId });
  if (seen.settled === null) return 'open';
  const { outcome, reason } = seen.settled;
  return [outcome, reason, seen.attempts.current?.state ?? '-', seen.delivery?.state ?? '-'].join(' ');
}

const cases = Object.entries(found).map(([name, prepare]) => ({
  name,
  prepare,
  expected: new Map<string, Readonly<Record<End, string>>>(Object.entries(table)).get(name),
}));
it.each(cases)('an order that is $name ends as designed, whatever ends it, and only once', async (one) => {
  const results: Partial<Record<End, string>> = {};
  for (const end of endNames) {
    await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '${one.name === 'queued' ? 0 : 1000}')`);
    const order = await ledger.claimed(await ledger.person());
    await one.prepare(order);
    await ends[end](order);
    results[end] = await stateOf(order);
    if (results[end] === 'open') continue;
    for (const again of Object.values(ends)) await again(order);
    expect(await stateOf(order)).toBe(results[end]);
  }
  expect(results).toEqual(one.expected);
  expect(await ledger.violations()).toEqual([]);
});
