import { z } from 'zod';
import { language } from '../ledger/people.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { nothing, timestamp } from '../postgres/row.ts';

const leased = z.object({
  outcome: z.literal('leased'),
  attemptId: z.number().int(),
  n: z.number().int(),
  state: z.enum(['ready', 'intent', 'unknown', 'accepted', 'succeeded', 'failed', 'rejected', 'abandoned']),
  fence: z.number().int(),
  leaseUntil: timestamp,
  notBefore: timestamp.nullable(),
  taskId: z.string().nullable(),
  prompt: z.string().nullable(),
  /** Of the uploaded photo at the provider, while it lives. */
  photoUrl: z.string().nullable(),
  /** The secret part of the callback address of a submit that was begun. */
  submitNonce: z.string().nullable(),
  now: timestamp,
  generationDeadline: timestamp,
  /** Median of recent videos of this model, or the configured default. */
  usualSeconds: z.number(),
  order: z.object({
    photoKey: z.string(),
    template: z.enum(['ugc', 'ad', 'self']),
    productText: z.string(),
    wishes: z.string().nullable(),
    language,
    provider: z.string(),
    model: z.string(),
    seconds: z.number().int(),
    aspectRatio: z.string(),
    audio: z.boolean(),
  }),
});
export type LeasedAttempt = z.infer<typeof leased> & {
  orderId: string;
  /** What was last recorded of the provider's state, by this driver of the attempt. */
  providerState?: 'waiting' | 'generating';
  /** How often the finished file was none, for this driver. */
  fileFaults?: number;
};

const lease = z.discriminatedUnion('outcome', [
  leased,
  /** Nothing to do for this execution: settled, not claimed by this uid, an older execution, a verdict already written. */
  z.object({ outcome: z.literal('over'), because: z.string() }),
  /** Somebody of the same execution number holds it. */
  z.object({ outcome: z.literal('held'), until: timestamp }),
]);

/**
 * Takes the lease of the order's live attempt for 60 s and raises the fence. An execution with a higher number takes it at once.
 * Another's `intent` becomes `unknown`. Nobody may submit an `intent` he did not make.
 */
export async function leaseAttempt(
  database: Database,
  orderId: string,
  uid: string,
  execution: number,
  owner: string,
): Promise<LeasedAttempt | Exclude<z.infer<typeof lease>, { outcome: 'leased' }>> {
  const answer = await callFunction(database, 'ledger.lease_attempt', [orderId, uid, execution, owner], lease);
  return answer.outcome === 'leased' ? { ...answer, orderId } : answer;
}

const renewed = z.object({ held: z.boolean(), state: z.string() });
/** Another 60 s, if the fence is still ours and the order is not settled. `state` may have moved (a callback named the task). */
export const renewAttempt = (database: Database, attemptId: number, fence: number): Promise<z.infer<typeof renewed>> =>
  callFunction(database, 'ledger.renew_attempt', [attemptId, fence], renewed);

const done = z.object({ done: z.boolean(), because: z.string().nullable() });
export type Done = z.infer<typeof done>;

/** The prompt is made once and stored before it is sent, so that a later execution sends the same one. First write wins. */
export const recordPrompt = (
  database: Database,
  attemptId: number,
  fence: number,
  prompt: string,
  source: 'completions' | 'fallback' | 'person',
): Promise<Done> => callFunction(database, 'ledger.record_prompt', [attemptId, fence, prompt, source], done);

export const recordPhotoUrl = (
  database: Database,
  attemptId: number,
  fence: number,
  url: string,
  expiresAt: Date,
): Promise<Done> => callFunction(database, 'ledger.record_photo_url', [attemptId, fence, url, expiresAt], done);

const token = z.object({ granted: z.boolean(), retryAfterSeconds: z.number() });
/** One of the provider's 20 creates per 10 s, counted per key in PostgreSQL. Taken just before a submit. */
export const takeSubmitToken = (database: Database, provider: string): Promise<z.infer<typeof token>> =>
  callFunction(database, 'ledger.take_submit_token', [provider], token);

/** `ready -> intent`. Only the call that is answered `done: true` may POST, within 5 s. The nonce is made by this process and never used again. */
export const beginSubmit = (database: Database, attemptId: number, fence: number, nonce: string): Promise<Done> =>
  callFunction(database, 'ledger.begin_submit', [attemptId, fence, nonce], done);

export type SubmitAnswer =
  | { kind: 'accepted'; taskId: string }
  /** Surely no task: back to `ready` (resubmit) or to `rejected` (a verdict). */
  | { kind: 'refused'; resubmit: boolean; failureClass: string; message: string; retryAfterSeconds: number }
  | { kind: 'unknown' };
const answered = z.object({ state: z.string() });
/** The answer of a submit, written by its nonce alone: whoever holds the lease by now, it is the truth about that POST. */
export const answerSubmit = (
  database: Database,
  nonce: string,
  answer: SubmitAnswer,
): Promise<z.infer<typeof answered>> => callFunction(database, 'ledger.answer_submit', [nonce, answer], answered);

/** A verdict before anything was sent (photo, prompt): `ready -> rejected`. */
export const rejectAttempt = (
  database: Database,
  attemptId: number,
  fence: number,
  failureClass: string,
  message: string,
): Promise<Done> => callFunction(database, 'ledger.reject_attempt', [attemptId, fence, failureClass, message], done);

/** The attempt cannot go on now for a reason that is ours or the provider's (`ready` stays `ready`): not before so many seconds. */
export const postponeAttempt = (
  database: Database,
  attemptId: number,
  fence: number,
  failureClass: string,
  seconds: number,
): Promise<Done> => callFunction(database, 'ledger.postpone_attempt', [attemptId, fence, failureClass, seconds], done);

/** `accepted -> failed`: the provider confirmed that no video comes of this task. */
export const failAttempt = (
  database: Database,
  attemptId: number,
  fence: number,
  failureClass: string,
  message: string,
): Promise<Done> => callFunction(database, 'ledger.fail_attempt', [attemptId, fence, failureClass, message], done);

export interface StoredVideo {
  key: string;
  sha256: string;
  bytes: number;
  seconds: number;
  width: number;
  height: number;
}
/** `accepted -> succeeded`: the file is checked and stored. The point of no return; delivery begins. */
export const succeedAttempt = (
  database: Database,
  attemptId: number,
  fence: number,
  video: StoredVideo,
): Promise<Done> => callFunction(database, 'ledger.succeed_attempt', [attemptId, fence, video], done);

/** What the provider said of the task when last polled, for the person's progress message. */
export const recordProviderState = (
  database: Database,
  attemptId: number,
  fence: number,
  state: 'waiting' | 'generating',
): Promise<Done> => callFunction(database, 'ledger.record_provider_state', [attemptId, fence, state], done);

/** A callback named a task for this nonce and the provider's record echoed our address: `unknown -> accepted`, or noted on an abandoned row. */
export const adoptCallback = (database: Database, nonce: string, taskId: string): Promise<z.infer<typeof answered>> =>
  callFunction(database, 'ledger.adopt_callback', [nonce, taskId], answered);

const opened = z.object({ opened: z.boolean(), because: z.string().nullable() });
/** Opens attempt `n` `ready` after a confirmed failure whose class allows another; refused when a clock or the count forbids it. */
export const openAttempt = (
  database: Database,
  orderId: string,
  uid: string,
  n: number,
): Promise<z.infer<typeof opened>> => callFunction(database, 'ledger.open_attempt', [orderId, uid, n], opened);

const admitted = z.object({ admitted: z.array(z.string()), waiting: z.number().int() });
/** Admits waiting orders up to the limit, next by turn per person, then age, in one transaction under an advisory lock. */
export const admitWaiting = (database: Database): Promise<z.infer<typeof admitted>> =>
  callFunction(database, 'ledger.admit_waiting', [], admitted);

const abandoned = z.array(
  z.object({
    attemptId: z.number().int(),
    orderId: z.string(),
    taskId: z.string(),
    fence: z.number().int(),
    provider: z.string(),
  }),
);
/** Leases abandoned attempts whose task id is known and that are due for a look (slowly, for 24 h). */
export const takeAbandoned = (database: Database, owner: string, limit: number): Promise<z.infer<typeof abandoned>> =>
  callFunction(database, 'ledger.take_abandoned', [owner, limit], abandoned);

export type AbandonedEnd =
  | { kind: 'running' }
  | { kind: 'failed'; failureClass: string }
  | { kind: 'succeeded'; video: StoredVideo };
/** What became of an abandoned task. A late video is kept as evidence and counted as spend, never shown. */
export const recordAbandoned = (
  database: Database,
  attemptId: number,
  fence: number,
  end: AbandonedEnd,
): Promise<undefined> => callFunction(database, 'ledger.record_abandoned', [attemptId, fence, end], nothing);
