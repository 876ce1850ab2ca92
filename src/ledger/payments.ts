import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, timestamp } from '../postgres/row.ts';
import { language } from './people.ts';

const offered = z.array(
  z.object({ packageId: z.string(), version: z.number().int(), credits, stars: z.number().int() }),
);
export type OfferedPackage = z.infer<typeof offered>[number];
/** What can be bought now, smallest first. */
export const readOfferedPackages = (database: Database): Promise<OfferedPackage[]> =>
  callFunction(database, 'ledger.offered_packages', [], offered);

const invoice = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('created'),
    /** 20 lower-case base32 letters: the payload of Telegram's invoice. */
    invoiceId: z.string(),
    credits,
    stars: z.number().int(),
    expiresAt: timestamp,
  }),
  z.object({ outcome: z.enum(['unknown-package', 'banned']) }),
]);
export type CreatedInvoice = z.infer<typeof invoice>;
/** Writes down what a person is about to be offered: the package as it is now, for them alone, for a while. */
export const createInvoice = (database: Database, userId: number, packageId: string): Promise<CreatedInvoice> =>
  callFunction(database, 'ledger.create_invoice', [userId, packageId], invoice);

const checked = z.object({
  ok: z.boolean(),
  because: z
    .enum(['unknown-invoice', 'other-currency', 'other-amount', 'other-person', 'paid', 'banned', 'expired'])
    .nullable(),
  /** Of whoever wants to pay; null when the ledger does not know them. */
  language: language.nullable(),
});
export type CheckedInvoice = z.infer<typeof checked>;
/** Whether an invoice may be paid now by this person for this sum. One read: Telegram waits 10 s for the answer. */
export const checkInvoice = (
  database: Database,
  invoiceId: string,
  telegramId: number,
  currency: string,
  stars: number,
): Promise<CheckedInvoice> =>
  callFunction(database, 'ledger.check_invoice', [invoiceId, telegramId, currency, stars], checked);

/** What Telegram says of one payment, in an update or in its list of transactions. */
export interface SaidPayment {
  /** `telegram_payment_charge_id`; the id of the transaction in the list. */
  readonly chargeId: string;
  /** The invoice's payload; null where it is not said. */
  readonly invoiceId: string | null;
  readonly telegramId: number;
  readonly currency: string;
  /** `total_amount`: whole Stars. */
  readonly stars: number;
  readonly source: 'update' | 'reconciliation';
}

const told = {
  /** Why an unmatched payment is nobody's. */
  because: z.string().nullable(),
  paymentId: z.number().int(),
  /** Null when the payment is unmatched. */
  userId: z.number().int().nullable(),
  credits,
  available: credits,
  debt: credits,
  /** What of the payment's credits repaid debt at once. */
  repaid: credits,
  language: language.nullable(),
};

const booked = z.object({ outcome: z.enum(['booked', 'exists', 'unmatched', 'conflict']), ...told });
export type BookedPayment = z.infer<typeof booked>;
/**
 * Books a payment in the caller's transaction: the one that stores its update. Whatever was paid is stored; it raises for nothing that
 * Telegram can say. `unmatched` and `conflict` (the same charge with other facts) bring no credits and are alerted by their rows.
 */
export const bookPayment = (database: Database, said: SaidPayment): Promise<BookedPayment> =>
  callFunction(database, 'ledger.book_payment', [said], booked);

const returned = z.object({
  outcome: z.enum(['refund-confirmed', 'charged-back', 'exists', 'unmatched', 'conflict']),
  ...told,
});
export type ReturnedPayment = z.infer<typeof returned>;
/**
 * Books that Telegram gave a payment back, in the caller's transaction: the end of our own refund, or a chargeback, which takes what is
 * available and books the rest as debt. Raises for nothing that Telegram can say.
 */
export const bookRefundedPayment = (database: Database, said: SaidPayment): Promise<ReturnedPayment> =>
  callFunction(database, 'ledger.book_refunded_payment', [said], returned);
