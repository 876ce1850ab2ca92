import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits } from '../postgres/row.ts';
import { type ByHand, byHand } from './by-hand.ts';
import { language } from './people.ts';

const state = z.enum(['intent', 'done', 'refused']);

const begun = z.object({
  /** `intent`: the credits have left and the bot asks Telegram. `exists`: a refund of this payment, or under this reference, is known. */
  outcome: z.enum(['intent', 'exists', 'refused', 'would-begin']),
  because: z.enum(['unknown-payment', 'charged-back', 'forgotten', 'spent']).nullable(),
  refundId: z.number().int().nullable(),
  state: state.nullable(),
  userId: z.number().int().nullable(),
  credits,
  stars: z.number().int(),
  available: credits,
});
export type BegunRefund = z.infer<typeof begun>;
/**
 * Gives a payment back: its credits leave *available* first, or it is refused because they are spent.
 * @throws DatabaseError with the rule `admin_reference_reused` when the reference belongs to another act.
 */
export const beginPaymentRefund = (database: Database, chargeId: string, act: ByHand): Promise<BegunRefund> =>
  callFunction(database, 'ledger.begin_payment_refund', [chargeId, ...byHand(act)], begun);

const taken = z.array(
  z.object({
    refundId: z.number().int(),
    telegramId: z.number(),
    chargeId: z.string(),
    stars: z.number().int(),
    tries: z.number().int(),
  }),
);
export type TakenRefund = z.infer<typeof taken>[number];
/** Leases refunds that Telegram has to be asked for, for 60 s. Asking twice is harmless: `CHARGE_ALREADY_REFUNDED` is done. */
export const takePaymentRefunds = (database: Database, owner: string, limit: number): Promise<TakenRefund[]> =>
  callFunction(database, 'ledger.take_payment_refunds', [owner, limit], taken);

export type RefundAnswer =
  | { readonly kind: 'done' }
  /** For good: the credits come back. */
  | { readonly kind: 'refused'; readonly words: string }
  | { readonly kind: 'later'; readonly seconds: number; readonly words: string };

const answered = z.object({
  state,
  userId: z.number().int().nullable(),
  credits,
  available: credits,
  /** Null for a person who was forgotten. */
  chatId: z.number().nullable(),
  language: language.nullable(),
});
export type AnsweredRefund = z.infer<typeof answered>;
/** Records what Telegram answered. Repeated, or late, it changes nothing that has ended. */
export const answerPaymentRefund = (
  database: Database,
  refundId: number,
  answer: RefundAnswer,
): Promise<AnsweredRefund> =>
  callFunction(
    database,
    'ledger.answer_payment_refund',
    [
      refundId,
      answer.kind,
      answer.kind === 'later' ? answer.seconds : null,
      answer.kind === 'done' ? null : answer.words,
    ],
    answered,
  );
