import { randomUUID } from 'node:crypto';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import type { ObjectStorage } from '../storage/storage.ts';
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
  | { kind: 'again'; afterSeconds: number; messageId: number | null }
  | { kind: 'lost'; because: string };

const startWithinMs = 5_000;
const abortAfterMs = 60_000;
const retryUnknownSeconds = 2;

/**
 * Turns the order's message into its stored video, once. `begin_edit` commits before the edit, and only a definite answer to that
 * very edit closes it; nothing here generates again.
 */
export async function deliver(lease: LeasedDelivery, desk: DeliveryDesk): Promise<Delivered> {
  if (desk.stopping.aborted || desk.lost.aborted) return { kind: 'again', afterSeconds: 0, messageId: lease.messageId };
  const bytes = await desk.storage.get(lease.video.key);
  const messageId = lease.messageId ?? (await placeholder(lease, desk));
  if (typeof messageId !== 'number') return messageId;
  if (desk.stopping.aborted || desk.lost.aborted) return { kind: 'again', afterSeconds: 0, messageId };
  return edit(lease, messageId, bytes, desk);
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
  return { kind: 'again', afterSeconds: retryUnknownSeconds, messageId };
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
  await persist(() => answerEdit(database, nonce, answer));
  switch (answer.meaning) {
    case 'final':
    case 'unreachable':
      return { kind: 'over', verdict: answer.meaning };
    case 'retry':
      return { kind: 'again', afterSeconds: answer.retryAfterSeconds, messageId };
    case 'missing-message': {
      const adopted = await persist(
        () => adoptMessage(database, lease.orderId, lease.fence, messageId, null),
        desk.lost,
      );
      return { kind: 'again', afterSeconds: 0, messageId: adopted.messageId };
    }
  }
}

/** Sends the short text that becomes the video; of two senders' texts the first stored one counts. */
async function placeholder(lease: LeasedDelivery, desk: DeliveryDesk): Promise<number | Delivered> {
  if (desk.stopping.aborted || desk.lost.aborted) return { kind: 'again', afterSeconds: 0, messageId: null };
  const answer = await desk.chat.sendPlaceholder(lease.chatId, lease.language, AbortSignal.timeout(15_000));
  if (answer.kind === 'done') {
    const adopted = await persist(
      () => adoptMessage(desk.database, lease.orderId, lease.fence, null, answer.messageId),
      desk.lost,
    );
    return adopted.messageId ?? { kind: 'lost', because: 'no message was adopted' };
  }
  if (answer.kind === 'unknown') return { kind: 'again', afterSeconds: retryUnknownSeconds, messageId: null };
  if (answer.meaning === 'retry' || answer.meaning === 'missing-message') {
    return { kind: 'again', afterSeconds: Math.max(1, answer.retryAfterSeconds), messageId: null };
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
