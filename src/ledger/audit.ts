import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';

const figures = z.object({
  violations: z.record(z.string(), z.number()),
  oldestUnsettledSeconds: z.number(),
  /** Seconds since the oldest open order entered each stage: relay, queue, generation, delivery. */
  oldestOpenSeconds: z.object({ relay: z.number(), queue: z.number(), generation: z.number(), delivery: z.number() }),
  oldestWaitingShowSeconds: z.number(),
  orders: z.array(z.object({ reason: z.string(), count: z.number() })),
  abandoned: z.number(),
  noticesPending: z.number(),
  oldestNoticeSeconds: z.number(),
  /** Requests of runners, summed from their rows; only ever rising. */
  requests: z.array(z.object({ target: z.string(), operation: z.string(), class: z.string(), count: z.number() })),
  credits: z.object({ granted: z.number(), held: z.number(), captured: z.number(), available: z.number() }),
});
export type Figures = z.infer<typeof figures>;
/** Everything `/metrics` says of the ledger, read in one statement. */
export const readFigures = (database: Database): Promise<Figures> =>
  callFunction(database, 'ledger.figures', [], figures);

/**
 * Closes, by the same function as everybody else, orders whose end has been due for 20 s and that nobody closed: unclaimed ones, and
 * those whose VideoJob is gone or unreadable. Answers the order ids that were closed.
 */
export const closeOverdueHolds = (database: Database): Promise<string[]> =>
  callFunction(database, 'ledger.close_overdue_holds', [], z.array(z.string()));
