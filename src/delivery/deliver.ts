import { randomUUID } from 'node:crypto';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import { type ObjectStorage, StorageError } from '../storage/storage.ts';
import type { Chat, ChatAnswer } from './chat.ts';
import { adoptMessage, answerEdit, beginEdit, type LeasedDelivery, recordShown } from './delivery.ts';

export interface DeliveryDesk {
  database: Database;
  chat: Chat;
  storage: ObjectStorage;
  /** No edit may begin once this is aborted; one under way is finished. */
  stopping: AbortSignal;
  /** Aborted when the lease is lost. */
  lost: AbortSignal;
}

/** Either the row says how it ended, or the same is to be tried again after so many seconds, or the lease is somebody else's. */
export type Delivered =
  | { kind: 'over'; verdict: string }
  /** `tries` counts what was in vain in a row, so that the pauses grow. */
  | { kind: 'again'; afterSeconds: number; messageId: number | null; tries: number }
  | { kind: 'lost'; because: string };

const startWithinMs = 5_000;
const abortAfterMs = 60_000;
const longestPauseSeconds = 30;

/** Pauses of a second, growing while nothing helps: a video is uploaded anew each time. */
function pauseSeconds(tries: number, least: number): number {
  return Math.max(least, Math.min(longestPauseSeconds, 2 ** tries));
}

/**
 * Turns the order's message into its stored video, once. `begin_edit` commits before the edit, and only a definite answer to that
 * very edit closes it; nothing here generates again.
 */
export async function deliver(lease: LeasedDelivery, desk: DeliveryDesk): Promise<Delivered> {
  if (desk.stopping.aborted || desk.lost.aborted) return again(lease, 0, 0);
  let bytes: Uint8Array;
  try {
    bytes = await desk.storage.get(lease.video.key);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return again(lease, pauseSeconds(lease.tries ?? 0, 1));
  }
  const messageId = lease.messageId ?? (await placeholder(lease, desk));
  if (typeof messageId !== 'number') return messageId;
  const known = { ...lease, messageId };
  if (desk.stopping.aborted || desk.lost.aborted) return again(known, 0, 0);
  return edit(known, messageId, bytes, desk);
}

function again(
  { messageId, tries = 0 }: LeasedDelivery,
  afterSeconds: number,
  more: 0 | 1 = 1,
): Extract<Delivered, { kind: 'again' }> {
  return { kind: 'again', afterSeconds, messageId, tries: tries + more };
}

const notSent = {
  kind: 'refused',
  meaning: 'retry',
  failureClass: 'delivery-network',
  retryAfterSeconds: 1,
} as const satisfies ChatAnswer;

async function edit(
  lease: LeasedDelivery,
  messageId: number,
  bytes: Uint8Array,
  desk: DeliveryDesk,
): Promise<Delivered> {
  const { orderId } = lease;
  const nonce = randomUUID();
  const asked = Date.now();
  const refusal = await begin(lease, nonce, desk);
  if (refusal !== null) return refusal;
  // The commit is too old to act on. Nothing was sent, and that is a definite answer to this edit.
  if (Date.now() - asked > startWithinMs) return refuse(lease, messageId, nonce, notSent, desk);
  const answer = await desk.chat.showVideo(
    { ...lease, messageId, content: { bytes }, facts: lease.video },
    // SIGTERM does not abort an edit in flight: its answer is what closes it.
    AbortSignal.timeout(abortAfterMs),
  );
  if (answer.kind === 'done') {
    const shown = await persist(() => recordShown(desk.database, orderId, nonce, answer));
    return { kind: 'over', verdict: shown.captured ? 'shown' : (shown.because ?? 'already settled') };
  }
  if (answer.kind === 'refused') return refuse(lease, messageId, nonce, answer, desk);
  await persist(() => answerEdit(desk.database, nonce, { kind: 'unknown', failureClass: answer.failureClass }));
  return again(lease, pauseSeconds(lease.tries ?? 0, 2));
}

/** Begins an edit; answers why it may not happen, or null. */
async function begin(lease: LeasedDelivery, nonce: string, desk: DeliveryDesk): Promise<Delivered | null> {
  let because: string | null = 'the lease was lost';
  try {
    const begun = await persist(() => beginEdit(desk.database, lease.orderId, lease.fence, nonce), desk.lost);
    if (begun.done) return null;
    because = begun.because;
  } catch (error) {
    if (!desk.lost.aborted) throw error;
  }
  // A copy of the call, whose reply was lost, may have begun it: nothing was sent, so it must not stay open.
  await persist(() => answerEdit(desk.database, nonce, notSent));
  return { kind: 'lost', because: because ?? 'begin_edit was refused' };
}

async function refuse(
  lease: LeasedDelivery,
  messageId: number,
  nonce: string,
  answer: Extract<ChatAnswer, { kind: 'refused' }>,
  desk: DeliveryDesk,
): Promise<Delivered> {
  const { database } = desk;
  const { meaning } = answer;
  // The row gets the same pause, so that an outage of Telegram is not the stage's time.
  const retryAfterSeconds =
    meaning === 'retry' ? pauseSeconds(lease.tries ?? 0, answer.retryAfterSeconds) : answer.retryAfterSeconds;
  await persist(() => answerEdit(database, nonce, { ...answer, retryAfterSeconds }));
  switch (meaning) {
    case 'final':
    case 'unreachable':
      return { kind: 'over', verdict: meaning };
    case 'retry':
      return again(lease, retryAfterSeconds);
    case 'missing-message': {
      const adopted = await persist(
        () => adoptMessage(database, lease.orderId, lease.fence, messageId, null),
        desk.lost,
      );
      return again({ ...lease, messageId: adopted.messageId }, 0, 0);
    }
  }
}

/** Sends the short text that becomes the video; of two senders' texts the first stored one counts. */
async function placeholder(lease: LeasedDelivery, desk: DeliveryDesk): Promise<number | Delivered> {
  if (desk.stopping.aborted || desk.lost.aborted) return again(lease, 0, 0);
  const answer = await desk.chat.sendPlaceholder(lease.chatId, lease.language, AbortSignal.timeout(15_000));
  if (answer.kind === 'done') {
    const adopted = await persist(
      () => adoptMessage(desk.database, lease.orderId, lease.fence, null, answer.messageId),
      desk.lost,
    );
    return adopted.messageId ?? { kind: 'lost', because: 'no message was adopted' };
  }
  if (answer.kind === 'unknown') return again(lease, pauseSeconds(lease.tries ?? 0, 2));
  if (answer.meaning === 'retry' || answer.meaning === 'missing-message') {
    return again(lease, pauseSeconds(lease.tries ?? 0, answer.retryAfterSeconds));
  }
  // No edit was begun: the refusal of the text is the refusal of the delivery.
  return unreachable(lease, answer, desk);
}

async function unreachable(
  lease: LeasedDelivery,
  answer: Extract<ChatAnswer, { kind: 'refused' }>,
  desk: DeliveryDesk,
): Promise<Delivered> {
  const nonce = randomUUID();
  const refusal = await begin(lease, nonce, desk);
  if (refusal !== null) return refusal;
  await persist(() => answerEdit(desk.database, nonce, answer));
  return { kind: 'over', verdict: answer.meaning };
}
