import { runningOrders } from './admission.ts';
import { observedAttempt } from './attempts.ts';
import { clocksOf, dueEnd, isCancellable, usualSeconds } from './clocks.ts';
import { writeNotice, writeProgress } from './notices.ts';
import type { OrderRow, Stage } from './rows.ts';
import { settledJson } from './settlement.ts';
import { iso, type Tables } from './tables.ts';

/** `due_orders`. */
export function dueOrders(db: Tables, since: number): unknown {
  const at = db.now();
  for (const row of db.attempts) {
    // An intent whose lease ran out has lost its maker.
    if (row.state === 'intent' && row.leaseUntil !== null && row.leaseUntil < at)
      db.setAttempt(row, { state: 'unknown' });
  }
  writeSlowNotices(db, at);
  writeElapsed(db, at);
  const due = [...db.orders.values()].filter(
    (order) =>
      (order.claimedBy !== null && ((order.changedAt ?? 0) > since - 30_000 || needsALook(db, order, at))) ||
      isUnseen(db, order, at),
  );
  for (const order of due) db.set(order, { lookedAt: at });
  return { now: iso(at), orders: due.map(({ orderId }) => orderId) };
}

/** Posted, and the event that told of its object may have been lost. */
function isUnseen(db: Tables, { orderId, claimedBy, relayTries, placedAt }: OrderRow, at: number): boolean {
  return db.holds.get(orderId)?.state === 'held' && claimedBy === null && relayTries > 0 && placedAt < at - 5_000;
}

function needsALook(db: Tables, { orderId, lookedAt }: OrderRow, at: number): boolean {
  if (db.holds.get(orderId)?.state !== 'held') return false;
  if (lookedAt < at - 300_000) return true;
  const isOver = (until: number | null): boolean => until !== null && until < at;
  const delivery = db.deliveries.get(orderId);
  return (
    db.attempts.some(
      (row) =>
        row.orderId === orderId &&
        (row.state === 'ready' || row.state === 'intent' || row.state === 'unknown' || row.state === 'accepted') &&
        isOver(row.leaseUntil),
    ) ||
    (delivery !== undefined &&
      (delivery.state === 'pending' || delivery.state === 'editing') &&
      isOver(delivery.leaseUntil)) ||
    dueEnd(db, orderId, at) !== null
  );
}

function writeSlowNotices(db: Tables, at: number): void {
  for (const order of runningOrders(db).toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))) {
    if (order.slowNotedAt !== null || order.admittedAt === null) continue;
    const { furtherTask } = clocksOf(db, order.orderId);
    const isSlow = order.admittedAt + 2000 * usualSeconds(db, order.model) <= at;
    if (!isSlow && (furtherTask === null || furtherTask > at)) continue;
    db.set(order, { slowNotedAt: at });
    const isTold = db.notices.some((row) => row.kind === 'slow' && db.order(row.orderId).groupId === order.groupId);
    if (!isTold) writeNotice(db, order.orderId, 'slow', {});
  }
}

function writeElapsed(db: Tables, at: number): void {
  const told = new Set(
    db.notices
      .filter(({ kind, writtenAt }) => kind === 'progress' && writtenAt > at - 55_000)
      .map((row) => row.orderId),
  );
  for (const order of [...db.orders.values()].toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))) {
    const { orderId, claimedBy, admittedAt } = order;
    if (claimedBy === null || told.has(orderId) || db.deliveries.has(orderId)) continue;
    if (db.holds.get(orderId)?.state !== 'held') continue;
    if (admittedAt !== null && !db.attemptsOf(orderId).some(({ state }) => state === 'accepted')) continue;
    writeProgress(db, orderId, admittedAt === null ? 'queued' : 'generating');
  }
}

function observedExecutions(db: Tables, orderId: string, stage: Stage): unknown {
  return db
    .executionsOf(orderId, stage)
    .toSorted((a, b) => a.n - b.n)
    .map(({ n, executor, openedAt, leasedAt, endedAt, endCause }) => ({
      ...{ n, executor, openedAt: iso(openedAt), leasedAt: iso(leasedAt), endedAt: iso(endedAt), endCause },
    }));
}

function observedDelivery(db: Tables, orderId: string, at: number): unknown {
  const row = db.deliveries.get(orderId);
  if (row === undefined) return null;
  return {
    ...{ state: row.state, notBefore: iso(row.notBefore), leaseUntil: iso(row.leaseUntil) },
    editsBegun: [...db.edits.values()].filter((edit) => edit.orderId === orderId).length,
    editsUnanswered: db.editsUnanswered(orderId),
    over: dueEnd(db, orderId, at) !== null,
  };
}

/** `observe`: everything the controller decides by. */
export function observe(db: Tables, orderId: string): unknown {
  const order = db.orders.get(orderId);
  const hold = db.holds.get(orderId);
  if (order === undefined || hold === undefined) return null;
  const at = db.now();
  const clocks = clocksOf(db, orderId);
  const attempts = db.attemptsOf(orderId);
  const failed = attempts.filter(({ failureClass }) => failureClass !== null).toSorted((a, b) => b.n - a.n)[0];
  const video = attempts.find(({ state }) => state === 'succeeded');
  return {
    ...{ now: iso(at), orderId, claimedBy: order.claimedBy, placedAt: iso(order.placedAt) },
    ...{ admittedAt: iso(order.admittedAt), suspended: db.isSuspended(orderId), settled: settledJson(hold) },
    clocks: {
      ...{ queue: iso(clocks.queue), generation: iso(clocks.generation), furtherTask: iso(clocks.furtherTask) },
      ...{ delivery: iso(clocks.delivery), hold: iso(clocks.hold) },
    },
    attempts: {
      count: attempts.length,
      confirmedFailures: attempts.filter(({ state }) => state === 'failed').length,
      current: observedAttempt(db, db.latestAttempt(orderId), at),
      lastFailure: failed === undefined ? null : { class: failed.failureClass, message: failed.failureMessage },
    },
    generationExecutions: observedExecutions(db, orderId, 'generation'),
    delivery: observedDelivery(db, orderId, at),
    deliveryExecutions: observedExecutions(db, orderId, 'delivery'),
    video:
      video === undefined
        ? null
        : {
            ...{ bytes: video.videoBytes, seconds: video.videoSeconds },
            ...{ width: video.videoWidth, height: video.videoHeight },
          },
  };
}

/** `open_orders`. */
export function openOrders(db: Tables, userId: number): unknown {
  return [...db.orders.values()]
    .filter((row) => row.userId === userId && db.holds.get(row.orderId)?.state === 'held')
    .toSorted((a, b) => a.placedAt - b.placedAt || a.position - b.position)
    .map(({ orderId, placedAt, admittedAt }) => ({
      ...{ orderId, placedAt: iso(placedAt), admittedAt: iso(admittedAt), cancellable: isCancellable(db, orderId) },
    }));
}
