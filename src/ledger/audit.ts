import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { CAPTURE_REASONS, FAILURE_REASONS } from '../videojob/reasons.ts';

const stages = z.object({ relay: z.number(), queue: z.number(), generation: z.number(), delivery: z.number() });
const attemptState = z.enum(['ready', 'intent', 'unknown', 'accepted', 'succeeded', 'failed', 'rejected', 'abandoned']);
const deliveryState = z.enum(['pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain']);

const figures = z.object({
  oldestUnsettledSeconds: z.number(),
  /** Seconds since the oldest open order entered each stage: relay, queue, generation, delivery. */
  oldestOpenSeconds: stages,
  /** Orders that are not settled, by stage. */
  open: stages,
  settled: z.array(
    z.object({
      outcome: z.enum(['captured', 'released']),
      reason: z.enum([...CAPTURE_REASONS, ...FAILURE_REASONS]),
      count: z.number(),
    }),
  ),
  attempts: z.array(z.object({ state: attemptState, count: z.number() })),
  deliveries: z.array(z.object({ state: deliveryState, count: z.number() })),
  oldestWaitingShowSeconds: z.number(),
  noticesPending: z.number(),
  oldestNoticeSeconds: z.number(),
  /** Requests of runners, summed from their rows; only ever rising. */
  requests: z.array(z.object({ target: z.string(), operation: z.string(), class: z.string(), count: z.number() })),
  payments: z.object({
    /** Payments that are nobody's and conflicts, which nobody of us has looked at. */
    unmatched: z.number(),
    /** Refunds that Telegram has not confirmed. */
    refundsPending: z.number(),
    oldestRefundSeconds: z.number(),
  }),
  /** available + held - debt = granted + bought + writtenOff - captured - refunded - chargedBack. */
  credits: z.object({
    granted: z.number(),
    bought: z.number(),
    captured: z.number(),
    refunded: z.number(),
    chargedBack: z.number(),
    writtenOff: z.number(),
    held: z.number(),
    available: z.number(),
    debt: z.number(),
  }),
});
export type Figures = z.infer<typeof figures>;
/** Everything `/metrics` says of the ledger, read in one statement. */
export const readFigures = (database: Database): Promise<Figures> =>
  callFunction(database, 'ledger.figures', [], figures);

const closedIds = z.array(z.string());
/**
 * Closes, by the same function as everybody else, orders whose end has been due for 20 s and that nobody closed: unclaimed ones, and
 * those whose VideoJob is gone or unreadable. Answers the order ids that were closed.
 */
export const closeOverdueHolds = (database: Database): Promise<string[]> =>
  callFunction(database, 'ledger.close_overdue_holds', [], closedIds);
