import { type FailureClass, policyOf } from '../failure/classes.ts';
import { persist } from '../postgres/persist.ts';
import { ProviderError } from '../provider/provider.ts';
import { StorageError } from '../storage/storage.ts';
import type { Advanced, Workshop } from './advance.ts';
import {
  type Done,
  type LeasedAttempt,
  postponeAttempt,
  recordPhotoUrl,
  recordPrompt,
  rejectAttempt,
} from './attempt.ts';

/** What the paid call is made of. */
export interface Payload {
  prompt: string;
  photoUrl: string;
}

type Prepared = { kind: 'ready'; attempt: LeasedAttempt; payload: Payload } | { kind: 'not-now'; advanced: Advanced };

const uploadLifeSeconds = 20 * 3600;

/**
 * Everything that comes before the paid call and costs nothing to repeat: the prompt (made once, stored) and the photo at the provider.
 * The photo is uploaded while the prompt is being written.
 */
export async function prepare(attempt: LeasedAttempt, workshop: Workshop): Promise<Prepared> {
  let prepared = attempt;
  try {
    const photo = await workshop.storage.get(attempt.order.photoKey);
    const [prompt, photoUrl] = await Promise.allSettled([
      attempt.prompt ?? writePrompt(attempt, photo, workshop),
      attempt.photoUrl ?? uploadPhoto(attempt, photo, workshop),
    ]);
    // What was made is kept when the other one failed: the stored prompt is the one that is sent, and it is asked for once.
    if (prompt.status === 'fulfilled') prepared = { ...prepared, prompt: prompt.value };
    if (photoUrl.status === 'fulfilled') prepared = { ...prepared, photoUrl: photoUrl.value };
    if (prompt.status === 'rejected') throw prompt.reason;
    if (photoUrl.status === 'rejected') throw photoUrl.reason;
    if (workshop.stopping.aborted) return notNow({ kind: 'again', afterSeconds: 0, attempt: prepared });
    return { kind: 'ready', attempt: prepared, payload: { prompt: prompt.value, photoUrl: photoUrl.value } };
  } catch (error) {
    return notNow(await setBack(prepared, error, workshop));
  }
}

async function writePrompt(attempt: LeasedAttempt, photo: Uint8Array, workshop: Workshop): Promise<string> {
  const { order } = attempt;
  const written = await workshop.prompter.write(
    {
      template: order.template,
      productText: order.productText,
      wishes: order.wishes ?? '',
      photo: { bytes: photo, mime: 'image/jpeg' },
      seconds: order.seconds,
    },
    workshop.lost,
  );
  must(
    await persist(
      () => recordPrompt(workshop.database, attempt.attemptId, attempt.fence, written.prompt, written.source),
      workshop.lost,
    ),
  );
  return written.prompt;
}

async function uploadPhoto(attempt: LeasedAttempt, photo: Uint8Array, workshop: Workshop): Promise<string> {
  const uploaded = await workshop.provider.uploadPhoto(
    photo,
    'image/jpeg',
    `${attempt.attemptId}-${attempt.fence}.jpg`,
    workshop.lost,
  );
  const expiresAt = uploaded.expiresAt ?? new Date(attempt.now.getTime() + uploadLifeSeconds * 1000);
  must(
    await persist(
      () => recordPhotoUrl(workshop.database, attempt.attemptId, attempt.fence, uploaded.url, expiresAt),
      workshop.lost,
    ),
  );
  return uploaded.url;
}

/** The row no longer listens to this fence. */
class LeaseLostError extends Error {
  readonly reason = 'LeaseLost';
}

function must(done: Done): void {
  if (!done.done) throw new LeaseLostError(done.because ?? 'the lease was lost');
}

async function setBack(attempt: LeasedAttempt, error: unknown, workshop: Workshop): Promise<Advanced> {
  if (error instanceof LeaseLostError) return { kind: 'lost', because: error.message };
  const trouble = troubleOf(error);
  if (trouble === undefined) throw error;
  const { attemptId, fence } = attempt;
  if (policyOf(trouble.failure).retry === 'none') {
    const done = await persist(
      () => rejectAttempt(workshop.database, attemptId, fence, trouble.failure, trouble.message),
      workshop.lost,
    );
    return done.done
      ? { kind: 'over', verdict: 'rejected' }
      : { kind: 'lost', because: done.because ?? 'the lease was lost' };
  }
  const done = await persist(
    () => postponeAttempt(workshop.database, attemptId, fence, trouble.failure, trouble.seconds),
    workshop.lost,
  );
  return done.done
    ? { kind: 'again', afterSeconds: trouble.seconds, attempt }
    : { kind: 'lost', because: done.because ?? 'the lease was lost' };
}

interface Trouble {
  failure: FailureClass;
  message: string;
  seconds: number;
}

function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof ProviderError) {
    const seconds = error.retryAfterSeconds ?? backoffSeconds(error.reason);
    return { failure: error.reason, message: 'the provider did not take the photo', seconds };
  }
  if (error instanceof StorageError) {
    return { failure: 'operator-request', message: 'the stored photo could not be read', seconds: 30 };
  }
  return undefined;
}

/** Seconds before something that was surely not sent is tried again: an operator's trouble lasts longer than a busy provider. */
export function backoffSeconds(failure: FailureClass): number {
  return policyOf(failure).fault === 'operator' ? 30 : 5;
}

function notNow(advanced: Advanced): Prepared {
  return { kind: 'not-now', advanced };
}
