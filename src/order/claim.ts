import { z } from 'zod';
import { settled } from '../ledger/settlement.ts';
import { callFunction, type Database } from '../postgres/call.ts';

const claimed = z.discriminatedUnion('answer', [
  z.object({ answer: z.literal('yours'), settled: settled.nullable() }),
  z.object({
    answer: z.literal('refused'),
    reason: z.enum(['UnknownOrder', 'OtherClaimant', 'OtherContent']),
    /** The object sits on the name of an open order that nobody claimed: it is to be deleted so that the true one can be posted. */
    blocksOpenOrder: z.boolean(),
    /** A person knows that the order was lost in a restore. */
    knownAsLost: z.boolean().optional(),
  }),
]);
export type Claimed = z.infer<typeof claimed>;

/**
 * Asks PostgreSQL whether this object is the work order of an open hold. The first act for every VideoJob.
 * `specHash` is recomputed by the caller from the spec it read. Admits in the same transaction when nobody waits.
 */
export const claimOrder = (database: Database, orderId: string, uid: string, specHash: string): Promise<Claimed> =>
  callFunction(database, 'ledger.claim', [orderId, uid, specHash], claimed);
