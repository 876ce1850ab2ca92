import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, orderId, timestamp } from '../postgres/row.ts';
import { type ByHand, byHand } from './by-hand.ts';
import { balance, language } from './people.ts';
import { settled } from './settlement.ts';

const record = z.object({
  userId: z.number().int(),
  language,
  createdAt: timestamp,
  seenAt: timestamp,
  unreachableSince: timestamp.nullable(),
  consentedAt: timestamp.nullable(),
  bannedAt: timestamp.nullable(),
  /** Nobody is reached under this number any more. */
  forgotten: z.boolean(),
  forgottenAt: timestamp.nullable(),
  referredBy: z.number().int().nullable(),
  /** How many they invited. */
  referred: z.number().int(),
  balance,
  /** Orders by state of their hold. */
  orders: z.partialRecord(z.enum(['held', 'captured', 'released']), z.number().int()),
  lastOrders: z.array(z.object({ orderId, state: z.string(), reason: z.string().nullable(), credits, at: timestamp })),
  payments: z.array(
    z.object({
      chargeId: z.string(),
      credits,
      stars: z.number().int(),
      at: timestamp,
      source: z.string(),
      /** State of the newest refund by us. */
      refund: z.string().nullable(),
      chargedBackAt: timestamp.nullable(),
    }),
  ),
  grants: z.array(z.object({ kind: z.string(), amount: credits, at: timestamp, key: z.string() })),
  actions: z.array(
    z.object({
      actionId: z.number().int(),
      actor: z.string(),
      command: z.string(),
      reference: z.string().nullable(),
      reason: z.string(),
      at: timestamp,
    }),
  ),
});
export type PersonRecord = z.infer<typeof record>;
/** Everything an operator may see of a person; null when there is nobody. Neither their Telegram id nor anything they wrote. */
export const readPerson = (
  database: Database,
  by: { readonly userId: number } | { readonly telegramId: number },
): Promise<PersonRecord | null> => callFunction(database, 'ledger.person_by', [by], record.nullable());

const banned = z.object({
  outcome: z.enum(['banned', 'allowed', 'exists', 'would-be-banned', 'would-be-allowed', 'unknown-person']),
  actionId: z.number().int().nullable(),
});
/** Bans a person, or takes the ban back: no orders, invoices or codes meanwhile. */
export const banPerson = (
  database: Database,
  userId: number,
  ban: boolean,
  { reference, actor, reason, dryRun }: ByHand,
): Promise<z.infer<typeof banned>> =>
  callFunction(database, 'ledger.ban_person', [userId, reference, actor, reason, ban, dryRun], banned);

const closed = z.object({ settled: settled.nullable(), because: z.string().nullable() });
/**
 * Gives an order's credits back although a paid task may run. Neither `settled` nor `because`: it was a dry run, and nothing stands against it.
 */
export const closeOrderByAdmin = (database: Database, order: string, act: ByHand): Promise<z.infer<typeof closed>> =>
  callFunction(database, 'ledger.close_order_by_admin', [order, ...byHand(act)], closed);

const resolved = z.object({
  outcome: z.enum(['resolved', 'exists', 'would-resolve', 'nothing-to-resolve']),
  actionId: z.number().int().nullable(),
});
/** Ends the alarm about an unmatched payment or a conflict, after what was to be done about it was done. */
export const resolvePayment = (database: Database, chargeId: string, act: ByHand): Promise<z.infer<typeof resolved>> =>
  callFunction(database, 'ledger.resolve_payment', [chargeId, ...byHand(act)], resolved);
