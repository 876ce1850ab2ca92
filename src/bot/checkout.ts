import { setTimeout as pause } from 'node:timers/promises';
import { type CheckedInvoice, checkInvoice } from '../ledger/payments.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import { TelegramError } from '../telegram/error.ts';
import type { StarCalls } from '../telegram/stars.ts';
import type { Checkout } from '../telegram/update.ts';
import { languageOf } from '../texts/language.ts';
import { textsIn } from '../texts/texts.ts';

/** Telegram waits 10 s for the answer of a checkout. */
export const answerWithinMs = 8_000;
const readWithinMs = 3_000;
const tryMs = 2_000;
const pauseMs = 250;
/** Queries that are remembered, so that one that comes twice is answered once. */
const remembered = 1_000;

export type CheckoutAnswer = 'ok' | NonNullable<CheckedInvoice['because']> | 'unavailable';

export interface CheckoutDesk {
  /** Connections that nothing else waits for. */
  database: Database;
  telegram: Pick<StarCalls, 'answerCheckout'>;
  log: Logger;
  /** Told of every answer that Telegram took, and of `unanswered` ones. */
  onAnswer?: (answer: CheckoutAnswer | 'unanswered') => void;
}

export interface Checkouts {
  /** Answers one query; never throws, and is over after 8 s at the latest. */
  answer(query: Checkout): Promise<void>;
  /** Resolves when no answer is under way. */
  idle(): Promise<void>;
}

/**
 * Answers checkouts beside everything else the bot does. A payment is let through only after PostgreSQL has said, in one read, that
 * this person may pay this bill; without that answer the person reads that they may not, and nothing is charged.
 */
export function createCheckouts(desk: CheckoutDesk): Checkouts {
  const answers = new Map<string, Promise<void>>();
  return {
    answer(query) {
      const known = answers.get(query.id);
      if (known !== undefined) return known;
      const oldest = answers.size >= remembered ? answers.keys().next().value : undefined;
      if (oldest !== undefined) answers.delete(oldest);
      const answering = answerOnce(query, desk).then((isAnswered) => {
        // Should Telegram ask again, there may be time for another try.
        if (!isAnswered) answers.delete(query.id);
      });
      answers.set(query.id, answering);
      return answering;
    },
    async idle() {
      await Promise.all(answers.values());
    },
  };
}

async function answerOnce(query: Checkout, desk: CheckoutDesk): Promise<boolean> {
  const over = AbortSignal.timeout(answerWithinMs);
  const { answer, language } = await decide(query, desk);
  const refusal = answer === 'ok' ? null : textsIn(language).checkout[answer];
  const isAnswered = await say(query.id, refusal, desk, over);
  desk.onAnswer?.(isAnswered ? answer : 'unanswered');
  return isAnswered;
}

async function decide(query: Checkout, { database, log }: CheckoutDesk) {
  const spoken = languageOf(query.from.language_code);
  const { invoice_payload: invoiceId, from, currency, total_amount: stars } = query;
  const reading = checkInvoice(database, invoiceId, from.id, currency, stars);
  const inTime = new AbortController();
  try {
    const late = pause(readWithinMs, undefined, { signal: inTime.signal }).then(() => undefined);
    // Whichever is second may still fail, when nobody listens any more.
    late.catch(() => undefined);
    const check = await Promise.race([reading, late]);
    const language = check?.language ?? spoken;
    if (check?.ok === true) return { answer: 'ok', language } as const;
    if (check !== undefined) return { answer: check.because ?? 'unavailable', language } as const;
    reading.catch(() => undefined);
    log.warn('a checkout could not be looked up in time and is refused');
  } catch (error) {
    log.warn({ err: error }, 'a checkout could not be looked up and is refused');
  } finally {
    inTime.abort();
  }
  return { answer: 'unavailable', language: spoken } as const;
}

/** The same words to the same query may be said twice: Telegram takes the first. */
async function say(
  checkoutId: string,
  refusal: string | null,
  { telegram, log }: CheckoutDesk,
  over: AbortSignal,
): Promise<boolean> {
  while (!over.aborted) {
    try {
      await telegram.answerCheckout(checkoutId, refusal, AbortSignal.any([over, AbortSignal.timeout(tryMs)]));
      return true;
    } catch (error) {
      log.warn({ err: error }, 'a checkout was not surely answered');
      // "Query is too old": answered by a try whose reply was lost, or out of time.
      if (error instanceof TelegramError && error.meaning === 'refused') return false;
      await pause(pauseMs);
    }
  }
  return false;
}
