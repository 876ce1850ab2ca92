import { z } from 'zod';
import type { Lane } from './lane.ts';

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
    (select count(*) from ledger.notices where notices.order_id = orders.order_id and ended_at is null) as notices_open,
    (select count(*) from ledger.executions where executions.order_id = orders.order_id and ended_at is null) as executions_open
  from ledger.orders join ledger.holds using (order_id) where order_id = $1`;

/** Where an order stands in the books, by tables alone: none of our functions is asked. */
export async function look(lane: Lane, orderId: string): Promise<Look> {
  const [found] = await lane.rows(sql, [orderId], row);
  if (found === undefined) throw new Error(`order ${orderId} is not in the books`);
  return found;
}
