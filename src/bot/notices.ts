import { adoptMessage } from '../delivery/delivery.ts';
import type { Logger } from '../log/logger.ts';
import { endNotice, type Notice, type NoticeEnd, postponeNotice, takeNotices } from '../order/notices.ts';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';
import { closedProgress, isEdit, noticeScreen } from './notice-screen.ts';

export interface Announcer {
  database: Database;
  telegram: TelegramClient;
  owner: string;
  log: Logger;
}

const batch = 20;
/** Two calls after each other (15 s and `editMs`) have to end within the lease of a notice (ledger.take_notices). */
const startWithinMs = 5_000;
const editMs = 5_000;
const leaseMs = 25_000;
/** The id of a message is kept though the database is away for a moment; longer, and the next notice sends another one. */
const adoptMs = 5_000;
const repeatSeconds = 30;

/** Sends what is due to be told; true when there may be more. One chat's notices keep their order, chats go beside each other. */
export async function announce(announcer: Announcer): Promise<boolean> {
  const asked = Date.now();
  const notices = await takeNotices(announcer.database, announcer.owner, batch);
  // Whoever slept since leaves them to who takes them next: they may have been sent by another one meanwhile.
  if (Date.now() - asked > startWithinMs) return true;
  await Promise.all(notices.map((notice) => tell(notice, announcer)));
  return notices.length > 0;
}

async function tell(notice: Notice, announcer: Announcer): Promise<void> {
  const { database, log } = announcer;
  const { noticeId, orderId: order } = notice;
  // What was said is written down though the database is away for a while: otherwise it would be said again.
  const inLease = AbortSignal.timeout(leaseMs);
  const end = (ending: NoticeEnd) => persist(() => endNotice(database, noticeId, ending), inLease);
  const later = (seconds: number) => persist(() => postponeNotice(database, noticeId, seconds), inLease);
  try {
    await end(await send(notice, announcer));
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    if (error.meaning === 'retry-later') return later(Math.max(1, error.retryAfterSeconds));
    log.warn({ err: error, order, notice: notice.fact.kind }, 'a notice was not surely sent');
    // Its button is the person's only way to the video they paid for, and the same one twice does no harm.
    if (error.meaning === 'unknown' && notice.fact.kind === 'unconfirmed') return later(repeatSeconds);
    // The same edit twice is one; a progress is told again by the next one.
    const isRepeatable = isEdit(notice) && notice.messageId !== null;
    if (error.meaning === 'unknown' && notice.fact.kind === 'failed' && isRepeatable) return later(repeatSeconds);
    if (error.meaning === 'unknown' && tellsOfCredits(notice)) await tellInProgress(notice, announcer);
    await end(endOf(error));
  }
}

function tellsOfCredits({ fact }: Notice): boolean {
  return fact.kind === 'failed' || fact.kind === 'summary';
}

async function send(notice: Notice, announcer: Announcer): Promise<NoticeEnd> {
  const { telegram, log } = announcer;
  const { chatId, messageId, orderId: order } = notice;
  const { html, keyboard } = noticeScreen(notice);
  if (isEdit(notice)) {
    if (messageId === null) return beginMessage(notice, announcer);
    await telegram.editMessageText(chatId, messageId, html, keyboard);
    return 'sent';
  }
  const closed = closedProgress(notice);
  const closing =
    closed === undefined || messageId === null
      ? Promise.resolve()
      : telegram.editMessageText(chatId, messageId, closed, []).catch((error: unknown) => {
          log.debug({ err: error, order }, 'the progress message of a failed order was not closed');
        });
  // At the same time, so that both end well within the notice's lease.
  const [sent] = await Promise.allSettled([telegram.sendMessage(chatId, html, keyboard), closing]);
  if (sent.status === 'rejected') throw sent.reason;
  return 'sent';
}

/**
 * The message of an order that has none: of the second and later ones of a group, be it that they begin or that they failed before
 * they had one. The first stored message counts, be it this one or the one that delivery sends meanwhile.
 */
async function beginMessage(notice: Notice, { database, telegram, log }: Announcer): Promise<NoticeEnd> {
  const { chatId, orderId, fact } = notice;
  const { html, keyboard } = noticeScreen(notice);
  const sent = await telegram.sendMessage(chatId, html, keyboard, { silent: true });
  const adopt = (): Promise<{ messageId: number | null }> => adoptMessage(database, orderId, null, null, sent);
  const { messageId } = await persist(adopt, AbortSignal.timeout(adoptMs));
  // How an order ended stays said, whatever else its message says.
  if (messageId !== sent && fact.kind === 'progress') {
    await telegram.deleteMessage(chatId, sent).catch((error: unknown) => {
      log.info({ err: error, order: orderId }, 'a message that nobody needs was not deleted');
    });
  }
  return 'sent';
}

/** Says everything in the progress message instead, where saying it twice is saying it once. */
async function tellInProgress(notice: Notice, { telegram, log }: Announcer): Promise<void> {
  const { chatId, messageId, orderId: order } = notice;
  if (messageId === null) return;
  const { html, keyboard } = noticeScreen(notice);
  try {
    await telegram.editMessageText(chatId, messageId, html, keyboard, AbortSignal.timeout(editMs));
  } catch (error) {
    log.warn({ err: error, order }, 'a refund was not surely told');
  }
}

/** A new message whose fate is unknown is not sent again: a double one would tell of a second charge or refund. */
function endOf(error: TelegramError): NoticeEnd {
  switch (error.meaning) {
    case 'unreachable':
      return 'unreachable';
    case 'unknown':
      return 'unknown';
    default:
      return 'gone';
  }
}
