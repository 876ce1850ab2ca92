import { classifyRefund, type RefundVerdict } from '../failure/telegram.ts';
import { answerPaymentRefund, type RefundAnswer, type TakenRefund, takePaymentRefunds } from '../ledger/refunds.ts';
import type { Logger } from '../log/logger.ts';
import { persist } from '../postgres/persist.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { TelegramError } from '../telegram/error.ts';
import type { StarCalls } from '../telegram/stars.ts';
import { subjectOf } from './booking.ts';
import { storeWords } from './inbox.ts';
import { refundWords } from './star-words.ts';

export interface RefundDesk {
  pool: DatabasePool;
  telegram: Pick<StarCalls, 'refundStars'>;
  owner: string;
  contact: string;
  log: Logger;
  onAnswer?: (answer: RefundVerdict) => void;
}

const batch = 5;
/** The lease of a taken refund is 60 s; the call takes at most 15. */
const writeMs = 40_000;
const longestPauseSeconds = 3_600;

/**
 * Asks Telegram to return the Stars of payments whose credits have left already; true when there may be more. Asked twice, by whomever,
 * Telegram returns them once: it answers the second time that they were. So a killed or sleeping process does no harm, and an answer
 * that was lost is asked for again.
 */
export async function refundPayments(desk: RefundDesk): Promise<boolean> {
  const refunds = await takePaymentRefunds(desk.pool, desk.owner, batch);
  await Promise.all(refunds.map((refund) => refundOne(refund, desk)));
  return refunds.length > 0;
}

async function refundOne(refund: TakenRefund, desk: RefundDesk): Promise<void> {
  const { pool, contact, log, onAnswer } = desk;
  const { refundId, telegramId, chargeId, stars } = refund;
  const answer = await ask(refund, desk);
  log.info({ charge: chargeId, answer }, 'Telegram was asked to return Stars');
  onAnswer?.(answer.kind);
  const write = () =>
    inTransaction(pool, async (transaction) => {
      const end = await answerPaymentRefund(transaction, refundId, answer);
      // The payer of a payment that is nobody's is told all the same; somebody who was forgotten is not.
      const chatId = end.userId === null ? telegramId : end.chatId;
      const replies = refundWords(end, { stars, spoken: 'en', contact });
      if (replies.length === 0 || chatId === null) return;
      const subject = end.state === 'done' ? subjectOf('return', chargeId) : `refund-refused:${refundId}`;
      await storeWords(transaction, { subject, chatId, replies });
    });
  // Lost all the same, it is asked again after the lease.
  await persist(write, AbortSignal.timeout(writeMs));
}

async function ask({ telegramId, chargeId, tries }: TakenRefund, { telegram }: RefundDesk): Promise<RefundAnswer> {
  try {
    await telegram.refundStars(telegramId, chargeId);
    return { kind: 'done' };
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    const words = error.description.slice(0, 300);
    const kind = classifyRefund(error.meaning, error.description);
    if (kind === 'done') return { kind };
    if (kind === 'refused') return { kind, words };
    const seconds = Math.max(error.retryAfterSeconds, Math.min(longestPauseSeconds, 2 ** Math.min(tries, 12)));
    return { kind, seconds, words };
  }
}
