import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, timestamp } from '../postgres/row.ts';
import { type ByHand, byHand } from './by-hand.ts';

const granted = z.object({
  outcome: z.enum(['granted', 'exists', 'would-grant', 'unknown-person']),
  available: credits,
  debt: credits,
  actionId: z.number().int().nullable(),
});
export type Granted = z.infer<typeof granted>;

/**
 * Books free credits by an operator's hand (`admin:<action>`), once per reference.
 * @throws DatabaseError with the rule `admin_reference_reused` when the reference belongs to another act.
 */
export const grantByAdmin = (database: Database, userId: number, amount: number, act: ByHand): Promise<Granted> =>
  callFunction(database, 'ledger.grant_by_admin', [userId, amount, ...byHand(act)], granted);

/** Books credits that the books had lost, e.g. after a restore of an older database; otherwise as a grant. */
export const writeOffByAdmin = (database: Database, userId: number, amount: number, act: ByHand): Promise<Granted> =>
  callFunction(database, 'ledger.write_off_by_admin', [userId, amount, ...byHand(act)], granted);

const redeemed = z.object({
  outcome: z.enum(['granted', 'already', 'unknown', 'expired', 'exhausted', 'banned']),
  granted: credits,
  available: credits,
  debt: credits,
});
/** Books the credits of a code, once per person. */
export const redeemPromo = (database: Database, userId: number, code: string): Promise<z.infer<typeof redeemed>> =>
  callFunction(database, 'ledger.redeem_promo', [userId, code], redeemed);

/** Books the referral bonuses that have become due; answers the referrers, once for each bonus. At most 100 at a time. */
export const grantDueReferrals = (database: Database): Promise<number[]> =>
  callFunction(database, 'ledger.grant_due_referrals', [], z.array(z.number().int()));

const promo = z
  .object({
    code: z.string(),
    credits,
    uses_limit: z.number().int().nullable(),
    until: timestamp.nullable(),
  })
  .transform(({ uses_limit: usesLimit, ...rest }) => ({ ...rest, usesLimit }));
export type Promo = z.infer<typeof promo>;
/** Makes a code, or changes its limit and end; the credits of a code never change (`promo_facts_stay`). */
export const setPromo = (
  database: Database,
  { code, credits: amount, usesLimit, until }: Promo,
  { actor, reason }: Pick<ByHand, 'actor' | 'reason'>,
): Promise<Promo> => callFunction(database, 'ledger.set_promo', [code, amount, usesLimit, until, actor, reason], promo);

const packaged = z.object({
  packageId: z.string(),
  version: z.number().int(),
  credits,
  stars: z.number().int(),
  offered: z.boolean(),
});
export type Package = z.infer<typeof packaged>;
/** Offers a package or takes it back; other credits or Stars make another version, and invoices stay as they were shown. */
export const setPackage = (
  database: Database,
  { packageId, credits: amount, stars, offered }: Omit<Package, 'version'>,
  { actor, reason }: Pick<ByHand, 'actor' | 'reason'>,
): Promise<Package> =>
  callFunction(database, 'ledger.set_package', [packageId, amount, stars, offered, actor, reason], packaged);
