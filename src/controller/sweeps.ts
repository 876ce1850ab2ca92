import { admitWaiting } from '../generation/attempt.ts';
import { closeOverdueHolds } from '../ledger/audit.ts';
import { grantDueReferrals } from '../ledger/grants.ts';
import { readDueOrders } from '../ledger/settlement.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';

export interface SweepTools {
  database: Database;
  log: Logger;
  /** Puts an order's VideoJob into the queue. */
  enqueue: (orderId: string) => void;
}

const firstLookMs = 5 * 60_000;

/** Orders that changed, whose lease ran out or whose clock is due: what a NOTIFY that got lost would have told. */
export function dueSweep({ database, enqueue }: SweepTools): () => Promise<void> {
  // What changed long before we began is found by the watch's first list, or as an order nobody has looked at for five minutes.
  let since = new Date(Date.now() - firstLookMs);
  return async () => {
    const due = await readDueOrders(database, since);
    for (const orderId of due.orders) enqueue(orderId);
    since = due.now;
  };
}

/** Admission of whoever waits; `claim` already admits at once where nobody does. */
export function admissionSweep({ database, enqueue, log }: SweepTools): () => Promise<void> {
  return async () => {
    const { admitted, waiting } = await admitWaiting(database);
    for (const orderId of admitted) enqueue(orderId);
    if (admitted.length > 0) log.info({ admitted: admitted.length, waiting }, 'orders admitted');
  };
}

/** No clock is forgotten and no hold lives over 24 hours, whatever happened to its VideoJob. */
export function overdueSweep({ database, enqueue, log }: SweepTools): () => Promise<void> {
  return async () => {
    const closed = await closeOverdueHolds(database);
    for (const orderId of closed) enqueue(orderId);
    if (closed.length > 0)
      log.warn({ closed }, 'orders whose end was due were closed by the audit: nobody else had done it');
  };
}

/** Bonuses for whoever invited somebody, when they have become due. */
export function referralSweep({ database, log }: Pick<SweepTools, 'database' | 'log'>): () => Promise<void> {
  return async () => {
    const referrers = await grantDueReferrals(database);
    if (referrers.length > 0) log.info({ bonuses: referrers.length }, 'referral bonuses granted');
  };
}
