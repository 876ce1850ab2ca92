import { dueEnd, isCancellable } from './clocks.ts';
import { writeOutcome } from './outcomes.ts';
import type { HoldRow } from './rows.ts';
import { iso, RuleError, type Tables } from './tables.ts';

export function settledJson(hold: HoldRow): Record<string, unknown> | null {
  if (hold.state === 'held') return null;
  return { outcome: hold.state, reason: hold.reason, at: iso(hold.settledAt) };
}

export function availableCredits(db: Tables, userId: number): number {
  return db.accounts.get(`user/${userId}/available`)?.balance ?? 0;
}

export function owedCredits(db: Tables, userId: number): number {
  return db.accounts.get(`user/${userId}/debt`)?.balance ?? 0;
}

export interface Movement {
  readonly key: string;
  readonly kind: string;
  readonly userId: number;
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly freeAmount: number;
  readonly orderId?: string;
}

/** Kinds that bring a person credits: what they owe is repaid of it in the same transaction. */
const crediting = new Set(['welcome', 'referral', 'promo', 'grant', 'topup', 'release', 'refund-return', 'writeoff']);

/** Books one movement; the accounts of people move with it. False when its key was booked before. */
export function transfer(db: Tables, movement: Movement): boolean {
  const { key, kind, userId, debit, credit, amount, freeAmount, orderId = null } = movement;
  if (db.transfers.some(({ idempotencyKey }) => idempotencyKey === key)) return false;
  const transferId = db.nextId();
  db.append(db.transfers, {
    ...{ transferId, idempotencyKey: key, kind, userId, debit, credit, amount, freeAmount, orderId },
  });
  if (kind === 'hold' && owedCredits(db, userId) > 0) throw new RuleError('hold_needs_no_debt', String(userId));
  for (const id of [debit, credit]) {
    const account = db.accounts.get(id);
    if (account === undefined || account.userId === null) continue;
    // What is owed is a positive figure: a debit raises it.
    const sign = (id === debit) === id.endsWith('/debt') ? 1 : -1;
    const balance = account.balance + sign * amount;
    if (balance < 0) throw new RuleError('account_no_overdraft', id);
    const freeBalance = account.freeBalance + (id.endsWith('/debt') ? 0 : sign * freeAmount);
    if (freeBalance < 0 || freeBalance > balance) throw new RuleError('account_free_part', id);
    db.set(account, { balance, freeBalance, version: account.version + 1 });
  }
  if (crediting.has(kind)) repay(db, userId, transferId, amount);
  return true;
}

function repay(db: Tables, userId: number, transferId: number, brought: number): void {
  const spendable = db.accounts.get(`user/${userId}/available`);
  const amount = Math.min(owedCredits(db, userId), brought);
  if (amount <= 0 || spendable === undefined) return;
  transfer(db, {
    ...{
      key: `repay:${transferId}`,
      kind: 'repay',
      userId,
      amount,
      freeAmount: Math.min(amount, spendable.freeBalance),
    },
    ...{ debit: spendable.accountId, credit: `user/${userId}/debt` },
  });
}

/** `settle`: moves the credits and writes what the person is told. */
function settle(
  db: Tables,
  orderId: string,
  outcome: 'captured' | 'released',
  why: string,
  failure: string | null = null,
): HoldRow {
  const hold = db.holds.get(orderId);
  if (hold?.state !== 'held') throw new RuleError('hold_settled_once', orderId);
  db.set(hold, { state: outcome, reason: why, settledAt: db.now() });
  db.touch(orderId);
  const { userId, amount, freeAmount } = hold;
  const booked = transfer(db, {
    ...{ key: `settle:${orderId}`, kind: outcome === 'captured' ? 'capture' : 'release', userId, orderId },
    ...{ amount, freeAmount },
    debit: `user/${userId}/held`,
    credit: outcome === 'captured' ? 'sys/revenue' : `user/${userId}/available`,
  });
  if (!booked) throw new RuleError('transfer_key_once', orderId);
  writeOutcome(db, hold, failure);
  return hold;
}

export { settle };

/** `end_generation`: a task that may run is abandoned and followed; one that was never sent is rejected. */
export function endGeneration(db: Tables, orderId: string, why: string): HoldRow {
  const at = db.now();
  const attempts = db.attemptsOf(orderId).toSorted((a, b) => b.n - a.n);
  const failure = attempts.find(({ state }) => state === 'failed' || state === 'rejected')?.failureClass ?? null;
  for (const attempt of attempts) {
    if (attempt.state === 'ready') db.setAttempt(attempt, { state: 'rejected', endedAt: at });
    else if (attempt.state === 'intent' || attempt.state === 'unknown' || attempt.state === 'accepted') {
      db.setAttempt(attempt, {
        ...{ state: 'abandoned', endedAt: at, leaseOwner: null, leaseUntil: null },
        ...{ followDueAt: at + 60_000, followUntil: at + 24 * 3_600_000 },
      });
    }
  }
  return settle(db, orderId, 'released', why, failure);
}

/** `end_order`: carries out the end that `due_end` found. */
function endOrder(db: Tables, orderId: string, why: string): HoldRow {
  const delivery = db.deliveries.get(orderId);
  if (delivery === undefined) return endGeneration(db, orderId, why);
  if (why === 'DeliveryUnconfirmed') {
    db.setDelivery(delivery, { state: 'uncertain' });
    return settle(db, orderId, 'captured', why);
  }
  if (delivery.state !== 'refused') {
    db.setDelivery(delivery, { state: 'refused', refusedAt: delivery.refusedAt ?? db.now() });
  }
  return settle(db, orderId, 'released', why, delivery.failureClass);
}

function closeDue(db: Tables, orderId: string): string | null {
  const due = dueEnd(db, orderId, db.now());
  if (due === null) return 'no clock has run out and no verdict is final';
  endOrder(db, orderId, due.reason);
  return null;
}

function closeDeleted(db: Tables, orderId: string, claimant: string | null): string | null {
  if (claimant === null) return 'nobody claimed the order, so its true object may still come';
  const delivery = db.deliveries.get(orderId);
  if (delivery === undefined) {
    endGeneration(db, orderId, 'Deleted');
    return null;
  }
  const due = dueEnd(db, orderId, db.now());
  if (due !== null) {
    endOrder(db, orderId, due.reason);
    return null;
  }
  db.setDelivery(delivery, { state: 'waiting', showingDueAt: db.now() });
  settle(db, orderId, 'captured', 'Deleted');
  db.notify('neurocards_notices', orderId);
  return null;
}

function closeForfeited(db: Tables, orderId: string): string | null {
  if (db.deliveries.has(orderId)) return 'the video is stored: only its delivery decides now';
  endGeneration(db, orderId, 'Cancelled');
  return null;
}

function closeInvalid(db: Tables, orderId: string): string | null {
  if (!isCancellable(db, orderId)) return 'a paid task may run or has made a video';
  endGeneration(db, orderId, 'InvalidSpec');
  return null;
}

/** `close_order`. */
export function closeOrder(db: Tables, orderId: string, uid: string | null, request: string): unknown {
  const hold = db.holds.get(orderId);
  if (hold === undefined) return { settled: null, because: 'unknown order' };
  if (hold.state !== 'held') return { settled: settledJson(hold) };
  const claimant = db.order(orderId).claimedBy;
  if (request !== 'Forfeit' && claimant !== uid) {
    return {
      settled: null,
      because: claimant === null ? 'nobody claimed the order' : 'another object claimed the order',
    };
  }
  const because = closeAs(db, orderId, claimant, request);
  return because === null ? { settled: settledJson(hold) } : { settled: null, because };
}

function closeAs(db: Tables, orderId: string, claimant: string | null, request: string): string | null {
  switch (request) {
    case 'Deleted':
      return closeDeleted(db, orderId, claimant);
    case 'Forfeit':
      return closeForfeited(db, orderId);
    case 'InvalidSpec':
      return closeInvalid(db, orderId);
    case 'Clock':
    case 'Verdict':
    case 'DeliveryOver':
      return closeDue(db, orderId);
    default:
      throw new RuleError('close_request_is_known', request);
  }
}

function cancelLocked(db: Tables, hold: HoldRow): unknown {
  if (hold.state !== 'held') return { outcome: 'settled', settled: settledJson(hold) };
  if (!isCancellable(db, hold.orderId)) return { outcome: 'too-late', settled: null };
  return { outcome: 'cancelled', settled: settledJson(endGeneration(db, hold.orderId, 'Cancelled')) };
}

const unknownOrder = { outcome: 'unknown-order', settled: null };

/** `cancel_order`. */
export function cancelOrder(db: Tables, orderId: string, userId: number): unknown {
  const hold = db.holds.get(orderId);
  return hold === undefined || hold.userId !== userId ? unknownOrder : cancelLocked(db, hold);
}

/** `cancel_claimed_order`. */
export function cancelClaimedOrder(db: Tables, orderId: string, uid: string): unknown {
  const hold = db.holds.get(orderId);
  if (hold === undefined || db.order(orderId).claimedBy !== uid) return unknownOrder;
  return cancelLocked(db, hold);
}

/** `close_overdue_holds`. */
export function closeOverdueHolds(db: Tables): unknown {
  const at = db.now();
  const overdue = [...db.holds.values()]
    .filter(({ orderId }) => (dueEnd(db, orderId, at)?.since ?? Number.POSITIVE_INFINITY) <= at - 20_000)
    .sort((a, b) => a.userId - b.userId || (a.orderId < b.orderId ? -1 : 1));
  return overdue.slice(0, 100).flatMap(({ orderId }) => (closeDue(db, orderId) === null ? [orderId] : []));
}
