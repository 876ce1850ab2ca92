import { z } from 'zod';
import { language } from '../ledger/people.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, orderId, timestamp } from '../postgres/row.ts';

const storedVideo = z.object({
  key: z.string(),
  sha256: z.string(),
  bytes: z.number().int(),
  seconds: z.number(),
  width: z.number().int(),
  height: z.number().int(),
});
export type StoredVideoFacts = z.infer<typeof storedVideo>;

const leased = z.object({
  outcome: z.literal('leased'),
  fence: z.number().int(),
  state: z.enum(['pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain']),
  leaseUntil: timestamp,
  notBefore: timestamp.nullable(),
  now: timestamp,
  chatId: z.number(),
  /** The message that becomes the video; null when none is known: send a short text and `adoptMessage`. */
  messageId: z.number().int().nullable(),
  language,
  unitPrice: credits,
  video: storedVideo,
});
export type LeasedDelivery = z.infer<typeof leased> & {
  orderId: string;
  /** How often in a row it was in vain, for this driver. */
  tries?: number;
};

const lease = z.discriminatedUnion('outcome', [
  leased,
  z.object({ outcome: z.literal('over'), because: z.string() }),
  z.object({ outcome: z.literal('held'), until: timestamp }),
]);
/** Takes the delivery lease for 60 s and raises the fence; an execution with a higher number takes it at once. */
export async function leaseDelivery(
  database: Database,
  orderIdentifier: string,
  uid: string,
  execution: number,
  owner: string,
): Promise<LeasedDelivery | Exclude<z.infer<typeof lease>, { outcome: 'leased' }>> {
  const answer = await callFunction(database, 'ledger.lease_delivery', [orderIdentifier, uid, execution, owner], lease);
  return answer.outcome === 'leased' ? { ...answer, orderId: orderIdentifier } : answer;
}

const renewed = z.object({ held: z.boolean() });
export const renewDelivery = (
  database: Database,
  orderIdentifier: string,
  fence: number,
): Promise<z.infer<typeof renewed>> =>
  callFunction(database, 'ledger.renew_delivery', [orderIdentifier, fence], renewed);

const adopted = z.object({ messageId: z.number().int().nullable() });
/**
 * Compare-and-set of the message that becomes the video: `expected` is what the caller saw (null for none; the id of a message that is gone).
 * Answers the message that counts now; two senders agree on one.
 */
export const adoptMessage = (
  database: Database,
  orderIdentifier: string,
  fence: number | null,
  expected: number | null,
  messageId: number | null,
): Promise<z.infer<typeof adopted>> =>
  callFunction(database, 'ledger.adopt_message', [orderIdentifier, fence, expected, messageId], adopted);

const done = z.object({ done: z.boolean(), because: z.string().nullable() });
/** Commits before every edit by a pod; only `done: true` may edit, starting within 5 s. None once the order is settled. */
export const beginEdit = (
  database: Database,
  orderIdentifier: string,
  fence: number,
  nonce: string,
): Promise<z.infer<typeof done>> => callFunction(database, 'ledger.begin_edit', [orderIdentifier, fence, nonce], done);

export type EditAnswer =
  /** Definite: this very edit did not happen. `final` ends the stage (DeliveryFailed), `unreachable` makes it `waiting`. */
  | {
      kind: 'refused';
      meaning: 'final' | 'unreachable' | 'missing-message' | 'retry';
      failureClass: string;
      retryAfterSeconds: number;
    }
  /** Nobody knows: stays open until a later answer. */
  | { kind: 'unknown'; failureClass: string };
/** The answer to exactly the edit begun with this nonce. */
export const answerEdit = (database: Database, nonce: string, answer: EditAnswer): Promise<z.infer<typeof done>> =>
  callFunction(database, 'ledger.answer_edit', [nonce, answer], done);

const shownAnswer = z.object({ captured: z.boolean(), because: z.string().nullable() });
/** The video is in the chat: shown and the hold captured, in one transaction. Also moves a captured `waiting` or `uncertain` to `shown`. */
export const recordShown = (
  database: Database,
  orderIdentifier: string,
  nonce: string,
  shown: { messageId: number; fileId: string | null },
): Promise<z.infer<typeof shownAnswer>> =>
  callFunction(database, 'ledger.shown', [orderIdentifier, nonce, shown.messageId, shown.fileId], shownAnswer);

const showing = z.array(
  z.object({
    orderId,
    fence: z.number().int(),
    chatId: z.number(),
    messageId: z.number().int().nullable(),
    language,
    unitPrice: credits,
    fileId: z.string().nullable(),
    video: storedVideo,
  }),
);
export type Showing = z.infer<typeof showing>[number];
/** Captured videos that wait for their person (who was seen again), or an `uncertain` one they asked for; leased for 60 s. Only the bot calls it. */
export const takeShowings = (database: Database, owner: string, limit: number): Promise<Showing[]> =>
  callFunction(database, 'ledger.take_showings', [owner, limit], showing);

const asked = z.object({ outcome: z.enum(['queued', 'shown', 'unknown-order', 'not-stored']) });
/** "Send again": the person asks for a captured video of theirs. */
export const askShowing = (
  database: Database,
  orderIdentifier: string,
  userId: number,
): Promise<z.infer<typeof asked>> => callFunction(database, 'ledger.ask_showing', [orderIdentifier, userId], asked);

/** The bot's own begun showing: as `beginEdit`, for a captured order. */
export const beginShowing = (
  database: Database,
  orderIdentifier: string,
  fence: number,
  nonce: string,
): Promise<z.infer<typeof done>> =>
  callFunction(database, 'ledger.begin_showing', [orderIdentifier, fence, nonce], done);
