import type { RawApi } from 'grammy';
import { z } from 'zod';
import type { Call } from './client.ts';
import { TelegramError } from './error.ts';

/** Telegram Stars: what a person pays with, what goes back, and Telegram's own list of both. */
export interface StarCalls {
  /** Answers a pre_checkout_query: `refusal` is what the person reads instead of paying, null lets them pay. */
  answerCheckout(checkoutId: string, refusal: string | null, signal?: AbortSignal): Promise<void>;
  /** Sends a bill; answers the message id. */
  sendInvoice(invoice: InvoiceMessage, signal?: AbortSignal): Promise<number>;
  /** Returns the Stars of one payment. A payment that was returned before is no error. */
  refundStars(telegramId: number, chargeId: string, signal?: AbortSignal): Promise<void>;
  /** Transactions of the bot in chronological order, from number `offset` (counted from 0) on, at most 100. */
  getStarTransactions(offset: number, limit: number, signal?: AbortSignal): Promise<StarTransaction[]>;
}

export interface InvoiceMessage {
  chatId: number;
  /** At most 32 characters. */
  title: string;
  /** At most 255 characters. */
  description: string;
  /** Comes back in everything that is said of the payment. */
  payload: string;
  stars: number;
}

export const starCurrency = 'XTR';

const partner = z.object({
  type: z.string(),
  /** Absent before Bot API 9.0. */
  transaction_type: z.string().optional(),
  user: z.object({ id: z.int(), language_code: z.string().optional() }).optional(),
  invoice_payload: z.string().optional(),
});
const transaction = z.object({
  /** Of a payment its charge id; a refund has the id of its payment. */
  id: z.string(),
  amount: z.int(),
  /** Unix seconds. */
  date: z.int(),
  /** Where Stars came from, of an incoming transaction. */
  source: partner.optional(),
  /** Where they went, of an outgoing one. */
  receiver: partner.optional(),
});
export type StarTransaction = z.infer<typeof transaction>;

const transactions = z.object({ transactions: z.array(transaction) });
const message = z.object({ message_id: z.int() });

/** The calls about Stars, each made exactly once. */
export function starCalls(raw: RawApi, call: Call): StarCalls {
  return {
    async answerCheckout(checkoutId, refusal, signal) {
      const verdict = refusal === null ? { ok: true } : { ok: false, error_message: refusal };
      const args = { pre_checkout_query_id: checkoutId, ...verdict };
      await call('answerPreCheckoutQuery', (s) => raw.answerPreCheckoutQuery(args, s), signal);
    },
    async sendInvoice({ chatId, title, description, payload, stars }, signal) {
      const args = {
        chat_id: chatId,
        title,
        description,
        payload,
        provider_token: '',
        currency: starCurrency,
        prices: [{ label: title, amount: stars }],
        // With one, a forwarded copy leads to the bot instead of letting somebody else pay the bill.
        start_parameter: 'buy',
      };
      return message.parse(await call('sendInvoice', (s) => raw.sendInvoice(args, s), signal)).message_id;
    },
    async refundStars(telegramId, chargeId, signal) {
      const args = { user_id: telegramId, telegram_payment_charge_id: chargeId };
      try {
        await call('refundStarPayment', (s) => raw.refundStarPayment(args, s), signal);
      } catch (error) {
        if (!(error instanceof TelegramError && error.meaning === 'done')) throw error;
      }
    },
    async getStarTransactions(offset, limit, signal) {
      const answer = await call('getStarTransactions', (s) => raw.getStarTransactions({ offset, limit }, s), signal);
      return transactions.parse(answer).transactions;
    },
  };
}
