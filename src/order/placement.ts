import { z } from 'zod';
import type { Language } from '../ledger/people.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, orderId } from '../postgres/row.ts';

export interface Placement {
  userId: number;
  /** The draft's nonce on the button: the idempotency key of the whole group. */
  nonce: string;
  unitPrice: number;
  /** Hash of what the person confirmed; the same nonce with another hash is a `conflict`. */
  requestHash: string;
  chatId: number;
  /** The tapped message: it becomes the first order's progress message. */
  messageId: number;
  language: Language;
  template: 'ugc' | 'ad' | 'self';
  productText: string;
  wishes: string | null;
  photoKey: string;
  /** The draft or order this one repeats, for Generate Again. */
  repeats: string | null;
  orders: readonly { orderId: string; videoJob: string; specHash: string }[];
}

const placed = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.enum(['placed', 'exists']), orders: z.array(orderId).min(1), available: credits }),
  z.object({
    outcome: z.literal('refused'),
    reason: z.enum([
      'InsufficientCredits',
      'TooManyOpenOrders',
      'NoConsent',
      'OrdersPaused',
      'PriceChanged',
      'InDebt',
      'Banned',
    ]),
    available: credits,
    needed: credits,
  }),
  z.object({ outcome: z.literal('conflict') }),
]);
export type Placed = z.infer<typeof placed>;

/**
 * Holds credits and writes the orders of one confirmed draft, all or none, in the caller's transaction.
 * A repeated nonce answers `exists` with the same orders; a refused nonce stays refused.
 */
export const placeOrders = (database: Database, placement: Placement): Promise<Placed> =>
  callFunction(database, 'ledger.place_orders', [placement], placed);

const repeatable = z
  .object({
    orderId,
    template: z.enum(['ugc', 'ad', 'self']),
    productText: z.string(),
    wishes: z.string().nullable(),
    photoKey: z.string(),
    unitPrice: credits,
    provider: z.string(),
    model: z.string(),
    seconds: z.number().int(),
    aspectRatio: z.string(),
    audio: z.boolean(),
    ageSeconds: z.number(),
  })
  .nullable();
export type Repeatable = NonNullable<z.infer<typeof repeatable>>;
/** What "Generate Again" needs of an earlier order of this very person; null for anybody else's. */
export const readOwnOrder = (database: Database, orderIdentifier: string, userId: number): Promise<Repeatable | null> =>
  callFunction(database, 'ledger.own_order', [orderIdentifier, userId], repeatable);
