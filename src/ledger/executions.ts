import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { nothing, timestamp } from '../postgres/row.ts';

export type Stage = 'generation' | 'delivery';

const opened = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.enum(['opened', 'exists']),
    n: z.number().int(),
    executor: z.enum(['pod', 'managed']),
    /** Seconds left of the stage's clock, for the Job's activeDeadlineSeconds (the caller adds its net of 120 s). */
    remainingSeconds: z.number(),
  }),
  z.object({ outcome: z.literal('refused'), because: z.string() }),
]);
export type OpenedExecution = z.infer<typeof opened>;

/**
 * Commits the row of execution `n` of a stage, before its Job is posted. Asking again for the same `n` answers `exists`.
 * Refused when settled, when a previous execution has not ended, when too many leased ones crashed, or the stage is over.
 */
export const openExecution = (
  database: Database,
  orderId: string,
  uid: string,
  stage: Stage,
  n: number,
): Promise<OpenedExecution> => callFunction(database, 'ledger.open_execution', [orderId, uid, stage, n, 'pod'], opened);

/** Why an execution is over, as the controller saw it. */
export type ExecutionEnd = 'Completed' | 'Crashed' | 'Lost' | 'PodStartFailed' | 'Superseded';

/** Records that execution `n` has ended; repeated calls do nothing. Its verdict, if any, stands in the attempt or delivery row. */
export const endExecution = (
  database: Database,
  orderId: string,
  uid: string,
  stage: Stage,
  n: number,
  cause: ExecutionEnd,
): Promise<undefined> => callFunction(database, 'ledger.end_execution', [orderId, uid, stage, n, cause], nothing);

const observedExecution = z.object({
  n: z.number().int(),
  executor: z.enum(['pod', 'managed']),
  openedAt: timestamp,
  /** When it first held a lease: from then on it counts towards the crashes. */
  leasedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  endCause: z.string().nullable(),
});
export const executions = z.array(observedExecution);
export type ObservedExecution = z.infer<typeof observedExecution>;

export interface RequestCount {
  target: 'provider' | 'telegram' | 'prompter' | 'storage';
  operation: string;
  /** `ok` or a failure class. */
  class: string;
  count: number;
}
/** Adds what a runner asked of the outside, so that the controller can export it: runners live too briefly to be scraped. */
export const recordRequests = (
  database: Database,
  orderId: string,
  uid: string,
  stage: Stage,
  execution: number,
  counts: readonly RequestCount[],
): Promise<undefined> =>
  callFunction(database, 'ledger.record_requests', [orderId, uid, stage, execution, counts], nothing);
