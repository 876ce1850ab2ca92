import type { Logger } from '../log/logger.ts';
import { endNotice, type Notice, type NoticeEnd, postponeNotice, takeNotices } from '../order/notices.ts';
import type { Database } from '../postgres/call.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';
import { closedProgress, noticeScreen } from './notice-screen.ts';

export interface Announcer {
  database: Database;
  telegram: TelegramClient;
  owner: string;
  log: Logger;
}

const batch = 20;

/** Sends what is due to be told; true when there may be more. One chat's notices keep their order, chats go beside each other. */
export async function announce(announcer: Announcer): Promise<boolean> {
  const notices = await takeNotices(announcer.database, announcer.owner, batch);
  await Promise.all(notices.map((notice) => tell(notice, announcer)));
  return notices.length > 0;
}

async function tell(notice: Notice, announcer: Announcer): Promise<void> {
  const { database, log } = announcer;
  const { noticeId, orderId: order } = notice;
  try {
    await endNotice(database, noticeId, await send(notice, announcer));
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    if (error.meaning === 'retry-later') {
      await postponeNotice(database, noticeId, Math.max(1, error.retryAfterSeconds));
      return;
    }
    log.warn({ err: error, order, notice: notice.fact.kind }, 'a notice was not surely sent');
    await endNotice(database, noticeId, endOf(error));
  }
}

async function send(notice: Notice, { telegram, log }: Announcer): Promise<NoticeEnd> {
  const { chatId, messageId, fact, orderId: order } = notice;
  const { html, keyboard } = noticeScreen(notice);
  if (fact.kind === 'progress') {
    if (messageId === null) return 'gone';
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
  await Promise.all([telegram.sendMessage(chatId, html, keyboard), closing]);
  return 'sent';
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
