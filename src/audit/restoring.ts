import { z } from 'zod';
import type { ByHand } from '../ledger/by-hand.ts';
import { settled } from '../ledger/settlement.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { nothing } from '../postgres/row.ts';

/** Who acts and why; with `dryRun` it is only told what would be done. */
type Act = Omit<ByHand, 'reference'>;

const resolved = z.object({
  outcome: z.enum(['resolved', 'would-resolve', 'not-in-audit-mode', 'other-epoch']),
  epoch: z.number().int(),
});
/** Ends the audit mode of this epoch: both sides are right as they are now. */
export const resolveAuditMode = (
  database: Database,
  epoch: number,
  { actor, reason, dryRun }: Act,
): Promise<z.infer<typeof resolved>> =>
  callFunction(database, 'ledger.resolve_audit_mode', [epoch, actor, reason, dryRun], resolved);

const because = z.string().nullable();
const reclaimed = z.object({ outcome: z.enum(['reclaimed', 'would-reclaim', 'exists', 'refused']), because });
/** Lets another object with the right content claim an open order whose claimant is gone; a former claimant never comes back. */
export const reclaimOrder = (
  database: Database,
  orderId: string,
  reference: string | null,
  { actor, reason, dryRun }: Act,
): Promise<z.infer<typeof reclaimed>> =>
  callFunction(database, 'ledger.reclaim_order', [orderId, reference, actor, reason, dryRun], reclaimed);

const rebuilt = z.object({ outcome: z.enum(['rebuilt', 'would-rebuild', 'exists', 'refused']), because });
/** Places a forgotten order again from its VideoJob, whose mac the caller has checked. Only in audit mode. */
export const rebuildOrder = (
  database: Database,
  orderId: string,
  object: { spec: unknown; videoJob: string },
  { actor, reason, dryRun }: Act,
): Promise<z.infer<typeof rebuilt>> =>
  callFunction(database, 'ledger.rebuild_order', [orderId, object, actor, reason, dryRun], rebuilt);

/** What an object shows of its order. */
export interface Shown {
  readonly uid: string;
  readonly attempts: number;
  /** Executions of generation that its status or its Jobs tell of. */
  readonly executions: number;
  readonly taskId: string | null;
  readonly outcome: 'captured' | 'released' | null;
  /** Reason of Finished. */
  readonly reason: string | null;
  readonly video: object | null;
  /** Whether the order was placed again from this very object. */
  readonly rebuilt: boolean;
}

const caughtUp = z.object({
  outcome: z.enum(['settled', 'adopted', 'ended', 'unchanged', 'would-catch-up', 'refused']),
  because,
});
/** Brings an order to what its object shows, so that nothing of it is paid twice. Only in audit mode. */
export const catchUpOrder = (
  database: Database,
  orderId: string,
  shown: Shown,
  { actor, reason, dryRun }: Act,
): Promise<z.infer<typeof caughtUp>> =>
  callFunction(database, 'ledger.catch_up_order', [orderId, shown, actor, reason, dryRun], caughtUp);

/** Lets a signed object be refused whose order cannot be rebuilt. Only in audit mode. */
export const noteLostOrder = (database: Database, orderId: string, { actor, reason }: Act): Promise<undefined> =>
  callFunction(database, 'ledger.note_lost_order', [orderId, actor, reason], nothing);

const released = z.object({ settled: settled.nullable(), because, letGo: z.boolean() });
/** Settles what hangs on an object that is being deleted, where no controller is left to do it. */
export const releaseObject = (
  database: Database,
  orderId: string,
  uid: string,
  { actor, reason, dryRun }: Act,
): Promise<z.infer<typeof released>> =>
  callFunction(database, 'ledger.release_object', [orderId, uid, actor, reason, dryRun], released);
