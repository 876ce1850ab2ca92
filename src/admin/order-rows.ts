import { z } from 'zod';
import type { Database } from '../postgres/call.ts';

const instant = z.date();
const maybe = <T extends z.ZodType>(schema: T) => schema.nullable();
const count = z.coerce.number();

const orderRow = z.object({
  order_id: z.string(),
  user_id: count,
  credits: count,
  hold_state: z.enum(['held', 'captured', 'released']),
  hold_reason: maybe(z.string()),
  settled_at: maybe(instant),
  placed_at: instant,
  claimed_by: maybe(z.string()),
  claimed_at: maybe(instant),
  admitted_at: maybe(instant),
  model: z.string(),
  relay_tries: count,
  now: instant,
});
const attemptRow = z.object({
  n: count,
  state: z.string(),
  task_id: maybe(z.string()),
  opened_at: instant,
  accepted_at: maybe(instant),
  ended_at: maybe(instant),
  lease_owner: maybe(z.string()),
  lease_until: maybe(instant),
  not_before: maybe(instant),
  failure_class: maybe(z.string()),
  failure_message: maybe(z.string()),
  followed: maybe(z.string()),
  follow_until: maybe(instant),
});
const executionRow = z.object({
  stage: z.string(),
  n: count,
  executor: z.string(),
  opened_at: instant,
  leased_at: maybe(instant),
  ended_at: maybe(instant),
  end_cause: maybe(z.string()),
});
const deliveryRow = z.object({
  state: z.string(),
  opened_at: instant,
  shown_at: maybe(instant),
  lease_until: maybe(instant),
  not_before: maybe(instant),
  failure_class: maybe(z.string()),
});
const editRow = z.object({
  kind: z.string(),
  begun_at: instant,
  answer: maybe(z.string()),
  meaning: maybe(z.string()),
});

export type OrderRow = z.infer<typeof orderRow>;
export type AttemptRow = z.infer<typeof attemptRow>;
export type ExecutionRow = z.infer<typeof executionRow>;
export type DeliveryRow = z.infer<typeof deliveryRow>;
export type EditRow = z.infer<typeof editRow>;

/** Everything the books know of one order: no prompt, no chat text, no Telegram id. */
export interface OrderRecord {
  order: OrderRow;
  attempts: AttemptRow[];
  executions: ExecutionRow[];
  delivery: DeliveryRow | null;
  edits: EditRow[];
}

/** Reads one order as the role admin; null when there is none. */
export async function readOrder(database: Database, orderId: string): Promise<OrderRecord | null> {
  const rows = async <T>(sql: string, schema: z.ZodType<T>): Promise<T[]> =>
    z.array(schema).parse((await database.query(sql, [orderId])).rows);
  const [order] = await rows(
    `select o.order_id, o.user_id, o.credits, h.state as hold_state, h.reason as hold_reason, h.settled_at, o.placed_at,
            o.claimed_by, o.claimed_at, o.admitted_at, o.model, o.relay_tries, clock_timestamp() as now
     from ledger.orders o join ledger.holds h using (order_id) where o.order_id = $1`,
    orderRow,
  );
  if (order === undefined) return null;
  const [attempts, executions, deliveries, edits] = await Promise.all([
    rows(
      `select n, state, task_id, opened_at, accepted_at, ended_at, lease_owner, lease_until, not_before, failure_class,
              failure_message, followed, follow_until
       from ledger.attempts where order_id = $1 order by n`,
      attemptRow,
    ),
    rows(
      `select stage, n, executor, opened_at, leased_at, ended_at, end_cause
       from ledger.executions where order_id = $1 order by opened_at`,
      executionRow,
    ),
    rows(
      `select state, opened_at, shown_at, lease_until, not_before, failure_class from ledger.deliveries where order_id = $1`,
      deliveryRow,
    ),
    rows(
      `select kind, begun_at, answer, meaning from ledger.delivery_edits where order_id = $1 order by begun_at`,
      editRow,
    ),
  ]);
  return { order, attempts, executions, delivery: deliveries[0] ?? null, edits };
}
