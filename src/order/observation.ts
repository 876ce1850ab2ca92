import { z } from 'zod';
import { executions } from '../ledger/executions.ts';
import { settled } from '../ledger/settlement.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { orderId as orderIdSchema, timestamp } from '../postgres/row.ts';

export const attemptState = z.enum([
  'ready',
  'intent',
  'unknown',
  'accepted',
  'succeeded',
  'failed',
  'rejected',
  'abandoned',
]);
export const deliveryState = z.enum(['pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain']);

const observation = z.object({
  /** PostgreSQL's clock: the only one decisions are made by. */
  now: timestamp,
  orderId: orderIdSchema,
  claimedBy: z.string().nullable(),
  placedAt: timestamp,
  admittedAt: timestamp.nullable(),
  suspended: z.boolean(),
  settled: settled.nullable(),
  /** Instants at which each clock is due as things stand now; null while it does not run. */
  clocks: z.object({
    queue: timestamp.nullable(),
    generation: timestamp.nullable(),
    /** No further paid task begins after it (`generation.timeoutSeconds` from the first task's acceptance). */
    furtherTask: timestamp.nullable(),
    delivery: timestamp.nullable(),
    hold: timestamp,
  }),
  attempts: z.object({
    count: z.number().int(),
    confirmedFailures: z.number().int(),
    /** Of the newest attempt that met one; an attempt that follows has none of its own yet. */
    lastFailure: z.object({ class: z.string(), message: z.string().nullable() }).nullish(),
    /** The latest one, or null before admission. */
    current: z
      .object({
        n: z.number().int(),
        state: attemptState,
        notBefore: timestamp.nullable(),
        leaseUntil: timestamp.nullable(),
        taskId: z.string().nullable(),
        failureClass: z.string().nullable(),
        /** Ours, safe to show: never the provider's or the person's words. */
        failureMessage: z.string().nullable(),
        /** Whether its class and the clocks allow another paid task. */
        anotherAllowed: z.boolean(),
        leasedExecutions: z.number().int(),
      })
      .nullable(),
  }),
  generationExecutions: executions,
  delivery: z
    .object({
      state: deliveryState,
      notBefore: timestamp.nullable(),
      leaseUntil: timestamp.nullable(),
      editsBegun: z.number().int(),
      editsUnanswered: z.number().int(),
      /** The stage is over: `close_order(..., 'DeliveryOver')` will settle. */
      over: z.boolean(),
    })
    .nullable(),
  deliveryExecutions: executions,
  video: z
    .object({ bytes: z.number(), seconds: z.number(), width: z.number().int(), height: z.number().int() })
    .nullable(),
});
export type Observation = z.infer<typeof observation>;
/** Made once: to make a schema takes longer than to parse with it. */
const observed = observation.nullable();
const nothing = z.null().transform(() => undefined);

/** Everything the controller decides by, of one claimed order, in one statement; null when the order is unknown. */
export const observeOrder = (database: Database, orderId: string): Promise<Observation | null> =>
  callFunction(database, 'ledger.observe', [orderId], observed);

/** Stops or resumes the clocks of a claimed order (the hold's 24 h run on). */
export const setSuspended = (
  database: Database,
  orderId: string,
  uid: string,
  suspended: boolean,
): Promise<undefined> => callFunction(database, 'ledger.set_suspended', [orderId, uid, suspended], nothing);
