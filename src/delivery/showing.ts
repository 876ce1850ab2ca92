import { randomUUID } from 'node:crypto';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import type { ObjectStorage } from '../storage/storage.ts';
import type { Chat, ChatAnswer } from './chat.ts';
import { adoptMessage, answerEdit, beginShowing, recordShown, type Showing } from './delivery.ts';

export interface ShowingDesk {
  database: Database;
  chat: Chat;
  storage: ObjectStorage;
}

/**
 * Shows a captured video that waits for its person, by editing the same message first, so that a late edit of a pod changes nothing.
 * Answers what came of it; whatever did not end is due again when its lease runs out.
 */
export async function showStoredVideo(
  showing: Showing,
  desk: ShowingDesk,
  signal: AbortSignal,
): Promise<'shown' | 'refused' | 'unknown' | 'lost'> {
  const { database, chat, storage } = desk;
  const content =
    showing.fileId === null ? { bytes: await storage.get(showing.video.key) } : { fileId: showing.fileId };
  const messageId = showing.messageId ?? (await placeholder(showing, desk, signal));
  if (messageId === null) return 'unknown';
  const nonce = randomUUID();
  const begun = await beginShowing(database, showing.orderId, showing.fence, nonce);
  if (!begun.done) return 'lost';
  const answer = await chat.showVideo({ ...showing, messageId, content, facts: showing.video }, signal);
  return record(showing, messageId, nonce, answer, database);
}

async function record(
  showing: Showing,
  messageId: number,
  nonce: string,
  answer: ChatAnswer,
  database: Database,
): Promise<'shown' | 'refused' | 'unknown'> {
  if (answer.kind === 'done') {
    await persist(() => recordShown(database, showing.orderId, nonce, answer));
    return 'shown';
  }
  await persist(() => answerEdit(database, nonce, answer));
  if (answer.kind === 'refused' && answer.meaning === 'missing-message') {
    await persist(() => adoptMessage(database, showing.orderId, null, messageId, null));
  }
  return answer.kind;
}

async function placeholder(showing: Showing, desk: ShowingDesk, signal: AbortSignal): Promise<number | null> {
  const answer = await desk.chat.sendPlaceholder(showing.chatId, showing.language, signal);
  if (answer.kind !== 'done') return null;
  return (await adoptMessage(desk.database, showing.orderId, null, null, answer.messageId)).messageId;
}
