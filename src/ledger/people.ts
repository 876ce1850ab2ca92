import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, nothing, orderId, timestamp } from '../postgres/row.ts';

export const language = z.enum(['ru', 'en']);
export type Language = z.infer<typeof language>;

const person = z.object({
  userId: z.number().int(),
  language,
  consentedAt: timestamp.nullable(),
  created: z.boolean(),
});
export type Person = z.infer<typeof person>;

/**
 * Finds or makes the person of a Telegram account. Also marks them reachable again.
 * `telegramLanguage` (IETF tag as Telegram sends it) is only used for a person who is new.
 */
export const registerPerson = (database: Database, telegramId: number, telegramLanguage: Language): Promise<Person> =>
  callFunction(database, 'ledger.register_person', [telegramId, telegramLanguage], person);

export const setLanguage = (database: Database, userId: number, chosen: Language): Promise<undefined> =>
  callFunction(database, 'ledger.set_language', [userId, chosen], nothing);

const consent = z.object({ granted: credits, available: credits });
/** Records consent to a version of the terms and books the welcome grant, once per person however often it is called. */
export const recordConsent = (database: Database, userId: number, version: string): Promise<z.infer<typeof consent>> =>
  callFunction(database, 'ledger.record_consent', [userId, version], consent);

const balance = z.object({ available: credits, held: credits });
export type Balance = z.infer<typeof balance>;
/** Credits of a person now. `held` belongs to open orders. */
export const readBalance = (database: Database, userId: number): Promise<Balance> =>
  callFunction(database, 'ledger.balance', [userId], balance);

const grant = z.object({ outcome: z.enum(['granted', 'exists', 'unknown-person']), available: credits });
/**
 * Books a grant by an operator. `auditId` is the operator's own reference and makes it idempotent (`admin:<audit id>`).
 * The same reference with another person or amount raises `grant_key_reused`.
 */
export const grantByAdmin = (
  database: Database,
  userId: number,
  amount: number,
  auditId: string,
): Promise<z.infer<typeof grant>> => callFunction(database, 'ledger.grant_by_admin', [userId, amount, auditId], grant);

const terms = z.object({
  unitPrice: credits,
  welcomeCredits: credits,
  acceptingOrders: z.boolean(),
  openOrderLimit: z.number().int(),
  usualSeconds: z.number(),
});
export type Terms = z.infer<typeof terms>;
/** The price of one video with `model`, whether orders are taken, and how long such a video usually takes (seconds, median of recent ones). */
export const readTerms = (database: Database, model: string): Promise<Terms> =>
  callFunction(database, 'ledger.terms', [model], terms);

const openOrders = z.array(
  z.object({ orderId, placedAt: timestamp, admittedAt: timestamp.nullable(), cancellable: z.boolean() }),
);
/** The person's orders that are not settled, oldest first. */
export const readOpenOrders = (database: Database, userId: number): Promise<z.infer<typeof openOrders>> =>
  callFunction(database, 'ledger.open_orders', [userId], openOrders);
