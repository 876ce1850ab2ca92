import {
  type BookedPayment,
  bookPayment,
  bookRefundedPayment,
  type ReturnedPayment,
  type SaidPayment,
} from '../ledger/payments.ts';
import type { Database } from '../postgres/call.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { Payment, Update } from '../telegram/update.ts';
import { languageOf } from '../texts/language.ts';
import { storeWords } from './inbox.ts';
import type { Reply } from './reply.ts';
import { paymentWords, returnWords } from './star-words.ts';

/** Stars that came (`payment`) or went back (`return`), from wherever it was heard. */
export interface StarMovement {
  direction: 'payment' | 'return';
  facts: SaidPayment;
  /** Of the person's client, for somebody we do not know. */
  languageTag: string | undefined;
  /** The update that told of it. */
  update?: Update;
}

/** `conflict`: the same charge stands in the books with other facts. Nothing is booked by it; an operator has to look. */
export type Booked = (BookedPayment | ReturnedPayment)['outcome'];

/** The movement of Stars that an update tells of. */
export function movementOf(update: Update): StarMovement | undefined {
  const { message } = update;
  const paid = message?.successful_payment;
  const returned = message?.refunded_payment;
  if (message === undefined || (paid === undefined && returned === undefined)) return undefined;
  const payer = message.chat.type === 'private' ? message.chat.id : message.from?.id;
  if (payer === undefined) return undefined;
  const languageTag = message.from?.is_bot === true ? undefined : message.from?.language_code;
  const facts = (payment: Payment): SaidPayment => ({
    chargeId: payment.telegram_payment_charge_id,
    invoiceId: payment.invoice_payload,
    telegramId: payer,
    currency: payment.currency,
    stars: payment.total_amount,
    source: 'update',
  });
  if (paid !== undefined) return { direction: 'payment', facts: facts(paid), languageTag, update };
  return returned && { direction: 'return', facts: facts(returned), languageTag, update };
}

/**
 * Books a movement of Stars, and in the same transaction stores its update and what the person is told. All or nothing, and safe to
 * repeat: it is booked and told once, whoever hears of it first and however often.
 */
export function book(pool: DatabasePool, movement: StarMovement, contact: string): Promise<Booked> {
  return inTransaction(pool, (transaction) => bookIn(transaction, movement, contact));
}

async function bookIn(transaction: Database, movement: StarMovement, contact: string): Promise<Booked> {
  const { direction, facts, languageTag, update } = movement;
  const { chargeId, telegramId, stars } = facts;
  const told = { stars, spoken: languageOf(languageTag), contact };
  let outcome: Booked;
  let replies: Reply[];
  if (direction === 'payment') {
    const booking = await bookPayment(transaction, facts);
    outcome = booking.outcome;
    replies = paymentWords(booking, told);
  } else {
    const reversal = await bookRefundedPayment(transaction, facts);
    outcome = reversal.outcome;
    replies = returnWords(reversal, told);
  }
  // Though there be nothing to say: the update is kept like every other.
  if (replies.length > 0 || update !== undefined) {
    const subject = subjectOf(direction, chargeId);
    await storeWords(transaction, {
      subject,
      chatId: telegramId,
      replies,
      ...(update === undefined ? {} : { update }),
    });
  }
  return outcome;
}

/** What is said of a movement is said once under this name. */
export function subjectOf(direction: StarMovement['direction'], chargeId: string): string {
  return `${direction}:${chargeId}`;
}
