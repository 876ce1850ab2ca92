import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { orderId as orderIdSchema, timestamp } from '../postgres/row.ts';

export const settled = z.object({
  outcome: z.enum(['captured', 'released']),
  /** A reason of the Finished condition: `VideoDelivered`, `RecipientUnreachable`, `DeliveryUnconfirmed` or a failure reason. */
  reason: z.string(),
  at: timestamp,
});
export type Settled = z.infer<typeof settled>;

/** What a caller believes happened. The function checks it under the hold's lock, the clock included. */
export type CloseRequest = 'Clock' | 'Verdict' | 'Deleted' | 'Forfeit' | 'InvalidSpec' | 'DeliveryOver';

const closed = z.union([
  z.object({ settled }),
  /** Not (yet) to be closed: the precondition does not hold now. `because` is for logs. */
  z.object({ settled: z.null(), because: z.string() }),
]);
export type Closed = z.infer<typeof closed>;

/**
 * The end of an order, decided in one transaction. Idempotent: a settled order answers as it was settled.
 * `uid` is the claimant's UID, or null for an order nobody claimed.
 */
export const closeOrder = (
  database: Database,
  orderId: string,
  uid: string | null,
  request: CloseRequest,
): Promise<Closed> => callFunction(database, 'ledger.close_order', [orderId, uid, request], closed);

const cancelled = z.object({
  outcome: z.enum(['cancelled', 'too-late', 'settled', 'unknown-order']),
  settled: settled.nullable(),
});
export type Cancelled = z.infer<typeof cancelled>;
/**
 * Cancels an order of this person while nothing is paid. An order of somebody else is `unknown-order`.
 */
export const cancelOrder = (database: Database, orderId: string, userId: number): Promise<Cancelled> =>
  callFunction(database, 'ledger.cancel_order', [orderId, userId], cancelled);

/** The same on behalf of the claimed VideoJob (`spec.cancel`). */
export const cancelClaimedOrder = (database: Database, orderId: string, uid: string): Promise<Cancelled> =>
  callFunction(database, 'ledger.cancel_claimed_order', [orderId, uid], cancelled);

const due = z.object({ now: timestamp, orders: z.array(orderIdSchema) });
/**
 * Claimed orders that changed after `since`, whose lease ran out, whose clock is due, or that are open and were not looked at for 5 minutes.
 * Answers PostgreSQL's clock, to be passed as the next `since`.
 */
export const readDueOrders = (database: Database, since: Date): Promise<z.infer<typeof due>> =>
  callFunction(database, 'ledger.due_orders', [since], due);
