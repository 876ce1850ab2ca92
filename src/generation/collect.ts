import { createHash } from 'node:crypto';
import type { FailureClass } from '../failure/classes.ts';
import { persist } from '../postgres/persist.ts';
import { ProviderError } from '../provider/provider.ts';
import { StorageError } from '../storage/storage.ts';
import type { Advanced, Workshop } from './advance.ts';
import { type Done, failAttempt, type LeasedAttempt, recordProviderState, succeedAttempt } from './attempt.ts';
import { pollSeconds } from './poll-interval.ts';
import { inspectVideo, maxVideoBytes, UnplayableVideoError, type VideoFacts } from './video-file.ts';

const downloadMs = 120_000;
const pollMs = 30_000;
/** A finished file that is none so often is none for good: with growing pauses, so that a file host may recover. */
const fileTries = 4;
const longestFilePauseSeconds = 15;
const storagePauseSeconds = 5;

/** One look at an accepted task; a finished one is downloaded at once, checked, stored, and only then `succeeded`. */
export async function collect(attempt: LeasedAttempt, workshop: Workshop): Promise<Advanced> {
  if (attempt.taskId === null) return { kind: 'lost', because: 'an accepted attempt without a task id' };
  const seen = await workshop.provider.poll(attempt.taskId, within(workshop, pollMs));
  const again = (afterSeconds = pollSeconds(attempt.usualSeconds), changed: Partial<LeasedAttempt> = {}): Advanced => ({
    kind: 'again',
    afterSeconds,
    attempt: { ...attempt, ...changed },
  });
  switch (seen.kind) {
    case 'running': {
      const providerState = seen.state === 'generating' ? 'generating' : 'waiting';
      if (providerState === attempt.providerState) return again();
      const recorded = await persist(
        () => recordProviderState(workshop.database, attempt.attemptId, attempt.fence, providerState),
        workshop.lost,
      );
      if (!recorded.done) return verdict('lost', recorded);
      return again(undefined, { providerState });
    }
    // Not visible (yet), or this look failed: neither says anything about the task, and it is followed to the deadline.
    case 'unseen':
      return again();
    case 'unavailable':
      return again(seen.retryAfterSeconds);
    case 'failed':
      return failed(
        attempt,
        seen.failure,
        `the provider reported a failure (code ${seen.code.slice(0, 12)})`,
        workshop,
      );
    case 'succeeded':
      return workshop.stopping.aborted ? again(0) : store(attempt, seen.urls, workshop);
  }
}

async function store(attempt: LeasedAttempt, urls: readonly string[], workshop: Workshop): Promise<Advanced> {
  const url = urls[0];
  if (url === undefined) return spoiled(attempt, 'the provider finished without a file', workshop);
  try {
    const bytes = await workshop.provider.download(url, maxVideoBytes, within(workshop, downloadMs));
    const facts = await inspectVideo(bytes);
    return await keep(attempt, bytes, facts, workshop);
  } catch (error) {
    if (error instanceof UnplayableVideoError) return spoiled(attempt, error.message, workshop);
    // The file is there, and we cannot keep it: ours to repair, while the provider still has it.
    if (error instanceof StorageError) return { kind: 'again', afterSeconds: storagePauseSeconds, attempt };
    if (!(error instanceof ProviderError)) throw error;
    if (error.cutShort || !error.retryable)
      return spoiled(attempt, 'the finished file could not be downloaded', workshop);
    // Not reached or busy: that says nothing about the file, and it is tried to the deadline.
    const patience = Math.max(2, pollSeconds(attempt.usualSeconds));
    return { kind: 'again', afterSeconds: Math.min(patience, error.retryAfterSeconds ?? patience), attempt };
  }
}

/** The file was none this time: looked at again a few times, then the attempt counts as failed. */
async function spoiled(attempt: LeasedAttempt, because: string, workshop: Workshop): Promise<Advanced> {
  const fileFaults = (attempt.fileFaults ?? 0) + 1;
  if (fileFaults >= fileTries) return failed(attempt, 'provider-lost', because, workshop);
  const afterSeconds = Math.min(longestFilePauseSeconds, pollSeconds(attempt.usualSeconds) * 2 ** (fileFaults - 1));
  return { kind: 'again', afterSeconds, attempt: { ...attempt, fileFaults } };
}

async function keep(
  attempt: LeasedAttempt,
  bytes: Uint8Array,
  facts: VideoFacts,
  workshop: Workshop,
): Promise<Advanced> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${attempt.orderId}/${sha256}`;
  await workshop.storage.put(key, bytes);
  const video = { key, sha256, bytes: bytes.byteLength, ...facts };
  return verdict(
    'succeeded',
    await persist(() => succeedAttempt(workshop.database, attempt.attemptId, attempt.fence, video), workshop.lost),
  );
}

async function failed(
  attempt: LeasedAttempt,
  failure: FailureClass,
  message: string,
  workshop: Workshop,
): Promise<Advanced> {
  return verdict(
    'failed',
    await persist(
      () => failAttempt(workshop.database, attempt.attemptId, attempt.fence, failure, message),
      workshop.lost,
    ),
  );
}

function verdict(state: string, done: Done): Advanced {
  return done.done ? { kind: 'over', verdict: state } : { kind: 'lost', because: done.because ?? 'the lease was lost' };
}

function within(workshop: Workshop, ms: number): AbortSignal {
  return AbortSignal.any([workshop.lost, AbortSignal.timeout(ms)]);
}
