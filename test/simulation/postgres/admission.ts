import { dueEnd } from './clocks.ts';
import { writeProgress } from './notices.ts';
import type { OrderRow } from './rows.ts';
import { settledJson } from './settlement.ts';
import { RuleError, type Tables } from './tables.ts';

/** Orders that use an admission slot: admitted, open, and without a stored video. */
export function runningOrders(db: Tables): OrderRow[] {
  return [...db.orders.values()].filter(
    ({ orderId, admittedAt }) =>
      admittedAt !== null && db.holds.get(orderId)?.state === 'held' && !db.deliveries.has(orderId),
  );
}

function byAge(a: OrderRow, b: OrderRow): number {
  return a.placedAt - b.placedAt || a.position - b.position || (a.orderId < b.orderId ? -1 : 1);
}

/** `waiting_orders`, in their turn: person by person, then by age. */
function waitingOrders(db: Tables): string[] {
  const waiting = [...db.orders.values()].filter(
    ({ orderId, claimedBy, admittedAt }) =>
      claimedBy !== null && admittedAt === null && db.holds.get(orderId)?.state === 'held' && !db.isSuspended(orderId),
  );
  if (waiting.length < 2) return waiting.map(({ orderId }) => orderId);
  const running = runningOrders(db);
  const turns = waiting.toSorted(byAge).map((order, _index, all) => {
    const rank = 1 + all.filter((other) => other.userId === order.userId && byAge(other, order) < 0).length;
    return { order, turn: rank + running.filter(({ userId }) => userId === order.userId).length };
  });
  return turns.toSorted((a, b) => a.turn - b.turn || byAge(a.order, b.order)).map(({ order }) => order.orderId);
}

/** `place_of`: from 1; null for an order that does not wait. */
export function placeOf(db: Tables, orderId: string): number | null {
  const index = waitingOrders(db).indexOf(orderId);
  return index < 0 ? null : index + 1;
}

function freeSlots(db: Tables): number {
  return db.settings.liveAttemptLimit - runningOrders(db).length;
}

/** `admit`: a slot, and the first attempt, ready. */
function admit(db: Tables, orderId: string): void {
  const now = db.now();
  const order = db.order(orderId);
  db.set(order, { admittedAt: now, changedAt: now });
  db.notify('neurocards_orders', orderId);
  openAttemptRow(db, orderId, 1, null);
  writeProgress(db, orderId, 'preparing');
}

export function openAttemptRow(db: Tables, orderId: string, n: number, notBefore: number | null): void {
  const before = db.attemptsOf(orderId).find((row) => row.n === n - 1);
  if (db.order(orderId).admittedAt === null || db.holds.get(orderId)?.state !== 'held') {
    throw new RuleError('attempt_needs_admitted_hold', orderId);
  }
  if (n > 1 && before?.state !== 'failed' && before?.state !== 'rejected') {
    throw new RuleError('attempt_follows_a_confirmed_failure', orderId);
  }
  db.append(db.attempts, {
    ...{ attemptId: db.nextId(), orderId, n, state: 'ready', fence: 0, leaseOwner: null, leaseExecution: 0 },
    ...{ leaseUntil: null, notBefore, submitNonce: null, taskId: null, prompt: null, promptSource: null },
    ...{ photoUrl: null, photoUrlUntil: null, providerState: null, openedAt: db.now(), acceptedAt: null },
    ...{
      endedAt: null,
      failureClass: null,
      failureMessage: null,
      followDueAt: null,
      followUntil: null,
      followed: null,
    },
    ...{ videoKey: null, videoSha256: null, videoBytes: null, videoSeconds: null, videoWidth: null, videoHeight: null },
  });
  db.touch(orderId);
}

function admitIfFree(db: Tables, orderId: string): boolean {
  if (waitingOrders(db).some((other) => other !== orderId)) return false;
  if (freeSlots(db) < 1 || dueEnd(db, orderId, db.now()) !== null) return false;
  admit(db, orderId);
  return true;
}

/** `admit_waiting`. */
export function admitWaiting(db: Tables): unknown {
  const passed = new Set<string>();
  const admitted: string[] = [];
  while (freeSlots(db) > 0) {
    const next = waitingOrders(db).find((orderId) => !passed.has(orderId));
    if (next === undefined) break;
    passed.add(next);
    if (dueEnd(db, next, db.now()) !== null) continue;
    admit(db, next);
    admitted.push(next);
  }
  return { admitted, waiting: waitingOrders(db).length };
}

function refused(reason: string, blocksOpenOrder: boolean): unknown {
  return { answer: 'refused', reason, blocksOpenOrder };
}

/** `claim`. */
export function claim(db: Tables, orderId: string, uid: string, hash: string): unknown {
  const hold = db.holds.get(orderId);
  if (hold === undefined) {
    return { answer: 'refused', reason: 'UnknownOrder', blocksOpenOrder: false, knownAsLost: false };
  }
  const order = db.order(orderId);
  if (order.claimedBy === uid) return { answer: 'yours', settled: settledJson(hold) };
  if (order.claimedBy !== null) return refused('OtherClaimant', false);
  if (order.specHash !== hash) return refused('OtherContent', hold.state === 'held');
  const now = db.now();
  db.set(order, { claimedBy: uid, claimedAt: now, changedAt: now });
  db.notify('neurocards_orders', orderId);
  if (hold.state === 'held' && !admitIfFree(db, orderId)) writeProgress(db, orderId, 'queued');
  return { answer: 'yours', settled: settledJson(hold) };
}
