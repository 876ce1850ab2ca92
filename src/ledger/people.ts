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
  banned: z.boolean(),
  /** What follows `?start=r_` in the link they invite others with. */
  referralCode: z.string(),
});
export type Person = z.infer<typeof person>;

/**
 * Finds or makes the person of a Telegram account. Also marks them reachable again.
 * `telegramLanguage` (IETF tag as Telegram sends it) is only used for a person who is new, or who comes back.
 * `identityHmac` is HMAC(pepper, Telegram id) in lower-case hex: whoever had themselves forgotten is known by it and gets their number back.
 */
export const registerPerson = (
  database: Database,
  telegramId: number,
  telegramLanguage: Language,
  identityHmac: string | null = null,
): Promise<Person> =>
  callFunction(database, 'ledger.register_person', [telegramId, telegramLanguage, identityHmac], person);

/** Whether a Telegram account is somebody's. Registers nobody. */
export const knowsPerson = (database: Database, telegramId: number): Promise<boolean> =>
  callFunction(database, 'ledger.knows_person', [telegramId], z.boolean());

const referred = z.object({
  outcome: z.enum(['recorded', 'refused']),
  because: z.enum(['unknown-person', 'already', 'not-new', 'unknown-code', 'oneself', 'came-later']).nullable(),
});
/** Writes down who invited this person: once, before they ever agreed to the terms, and never themselves. */
export const setReferrer = (
  database: Database,
  userId: number,
  referralCode: string,
): Promise<z.infer<typeof referred>> => callFunction(database, 'ledger.set_referrer', [userId, referralCode], referred);

const forgotten = z.object({
  outcome: z.enum(['preview', 'open-orders', 'changed', 'forgotten']),
  /** Orders that have to end before. */
  openOrders: z.array(orderId),
  /** Credits that are lost by it. */
  forfeits: credits,
  /** What stays owed under their number. */
  debt: credits,
  /** Names of the finished orders' VideoJobs, which are to go too; empty unless it was done. */
  videoJobs: z.array(z.string()),
});
export type Forgotten = z.infer<typeof forgotten>;
/**
 * Forgets a person: their Telegram id, consent, and what they wrote and where they were reached in finished orders. The number stays, known
 * only by `identityHmac` (HMAC(pepper, Telegram id), 64 hex digits).
 * Without `expectedForfeit` it only says what would be lost; with it, it is done if that is still true (`changed` otherwise).
 */
export const forgetPerson = (
  database: Database,
  userId: number,
  identityHmac: string,
  expectedForfeit: number | null,
): Promise<Forgotten> =>
  callFunction(database, 'ledger.forget_person', [userId, identityHmac, expectedForfeit], forgotten);

const objectKeys = z.array(z.string());
/** The keys of the photos and videos of a forgotten person's orders. */
export const readObjectsOf = (database: Database, userId: number): Promise<string[]> =>
  callFunction(database, 'ledger.objects_of', [userId], objectKeys);

export const setLanguage = (database: Database, userId: number, chosen: Language): Promise<undefined> =>
  callFunction(database, 'ledger.set_language', [userId, chosen], nothing);

const consent = z.object({ granted: credits, available: credits });
/** Records consent to a version of the terms and books the welcome grant, once per person however often it is called. */
export const recordConsent = (database: Database, userId: number, version: string): Promise<z.infer<typeof consent>> =>
  callFunction(database, 'ledger.record_consent', [userId, version], consent);

export const balance = z.object({ available: credits, held: credits, debt: credits, free: credits });
export type Balance = z.infer<typeof balance>;
/** Credits of a person now. `held` belongs to open orders, `debt` is owed, `free` is the part of `available` that was not bought. */
export const readBalance = (database: Database, userId: number): Promise<Balance> =>
  callFunction(database, 'ledger.balance', [userId], balance);

const terms = z.object({
  unitPrice: credits,
  welcomeCredits: credits,
  acceptingOrders: z.boolean(),
  openOrderLimit: z.number().int(),
  usualSeconds: z.number(),
  /** What a referrer gets (0: nothing is given), and after how many days. */
  referralCredits: credits,
  referralDays: z.number().int(),
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
