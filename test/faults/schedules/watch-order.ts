import { z } from 'zod';
import type { SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Lane } from './lane.ts';
import type { Play } from './play.ts';

const row = z.object({
  hold: z.string(),
  reason: z.string().nullable(),
  settled_at: z.date().nullable(),
  claimed_at: z.date().nullable(),
  attempt: z.string(),
  refusals: z.boolean(),
  delivery: z.string(),
  notices_open: z.coerce.number(),
  executions_open: z.coerce.number(),
});
export type Look = z.infer<typeof row>;

const sql = `
  select holds.state as hold, holds.reason, holds.settled_at, orders.claimed_at,
    coalesce((select state from ledger.attempts where attempts.order_id = orders.order_id order by n desc limit 1), 'none') as attempt,
    exists (select from ledger.attempts where attempts.order_id = orders.order_id and failure_class is not null) as refusals,
    coalesce((select state from ledger.deliveries where deliveries.order_id = orders.order_id), 'none') as delivery,
    -- What is said of a group may be said of any order of it.
    (select count(*) from ledger.notices join ledger.orders as told using (order_id)
     where told.group_id = orders.group_id and ended_at is null) as notices_open,
    (select count(*) from ledger.executions where executions.order_id = orders.order_id and ended_at is null) as executions_open
  from ledger.orders join ledger.holds using (order_id) where order_id = $1`;

/** Where an order stands in the books, by tables alone: none of our functions is asked. */
export async function look(lane: Lane, orderId: string): Promise<Look> {
  const [found] = await lane.rows(sql, [orderId], row);
  if (found === undefined) throw new Error(`order ${orderId} is not in the books`);
  return found;
}

const longMs = 90_000;
/** Callback and adoption are over by then; a submit that was never made is never answered. */
const unansweredMs = 20_000;

/** Waits for a state of an order; also over when it ended without getting there, or stands at a submit that nobody may ever answer. */
export function until(play: Play, order: SystemOrder, what: string, there: () => Promise<boolean>): Promise<unknown> {
  let since: number | undefined;
  return waitFor(
    async () => {
      const { hold, attempt } = await look(play.lane, order.id);
      if (attempt !== 'intent' && attempt !== 'unknown') since = undefined;
      else since ??= performance.now();
      const isUnanswered = since !== undefined && performance.now() - since > unansweredMs;
      return hold !== 'held' || isUnanswered || (await there());
    },
    { what: `${what} of ${order.id}`, within: longMs + play.patienceMs, every: 30 },
  );
}
