import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { orderId } from '../postgres/row.ts';
import { CAPTURE_REASONS, FAILURE_REASONS } from '../videojob/reasons.ts';

const attemptState = z.enum(['ready', 'intent', 'unknown', 'accepted', 'succeeded', 'failed', 'rejected', 'abandoned']);

const audited = z.object({
  orderId,
  userId: z.number().int(),
  state: z.enum(['held', 'captured', 'released']),
  reason: z.string().nullable(),
  settledSeconds: z.number().nullable(),
  placedSeconds: z.number(),
  /** Null while nobody claimed it, and while its lost object waits for another one. */
  claimedBy: z.string().nullable(),
  specHash: z.string(),
  admitted: z.boolean(),
  attempts: z.number().int(),
  /** State of the newest attempt. */
  newest: attemptState.nullable(),
  /** Executions of generation. */
  executions: z.number().int(),
  /** Every task that is known of the order. */
  tasks: z.array(z.string()),
});
/** An order as the auditor compares it with its VideoJob. */
export type AuditedOrder = z.infer<typeof audited>;

const books = z.object({
  orders: z.array(audited),
  /** Named orders that a person knows to be lost. */
  lost: z.array(z.string()),
  /** Orders whose end is due, by cause. */
  unsettled: z.array(
    z.object({ cause: z.enum([...CAPTURE_REASONS, ...FAILURE_REASONS]), count: z.number(), oldestSeconds: z.number() }),
  ),
  /** The first hundred rows that break an invariant. */
  violations: z.array(z.object({ invariant: z.string(), subject: z.string(), explanation: z.string() })),
  /** How many break each invariant. */
  broken: z.record(z.string(), z.number()),
});
export type AuditedBooks = z.infer<typeof books>;
/** Every open order and the named ones, with what breaks an invariant. */
export const readAuditedBooks = (database: Database, named: readonly string[]): Promise<AuditedBooks> =>
  callFunction(database, 'ledger.audit_orders', [named], books);
