import type { Database } from '../postgres/call.ts';
import type { Prompter } from '../prompter/prompter.ts';
import type { VideoProvider } from '../provider/provider.ts';
import type { ObjectStorage } from '../storage/storage.ts';
import type { LeasedAttempt } from './attempt.ts';
import { collect } from './collect.ts';
import { pollSeconds } from './poll-interval.ts';
import { prepare } from './prepare.ts';
import { submit } from './submit.ts';

/** What an attempt is advanced with. The caller holds the lease and keeps renewing it while `advance` works. */
export interface Workshop {
  database: Database;
  provider: VideoProvider;
  prompter: Prompter;
  storage: ObjectStorage;
  /** Address the provider may call with news, without the nonce; absent when we cannot be reached from outside. */
  callbackAddress?: string | undefined;
  /** No effect may begin once this is aborted (SIGTERM); a call in flight is finished. */
  stopping: AbortSignal;
  /** Aborted when the lease is lost: whatever is under way is somebody else's now. */
  lost: AbortSignal;
}

/** Either look again after so many seconds with the row as it is now, or the verdict stands in the row. */
export type Advanced =
  | { kind: 'again'; afterSeconds: number; attempt: LeasedAttempt }
  | { kind: 'over'; verdict: string }
  /** The fence moved or the order was settled: nothing more is ours to do. */
  | { kind: 'lost'; because: string };

/**
 * Takes an attempt one step further and returns without waiting, so that a pod and a runtime that carries many attempts
 * differ only in who calls it. Every effect is preceded by its row; nothing here repeats a paid call.
 */
export async function advance(attempt: LeasedAttempt, workshop: Workshop): Promise<Advanced> {
  if (workshop.stopping.aborted || workshop.lost.aborted) return { kind: 'again', afterSeconds: 0, attempt };
  switch (attempt.state) {
    case 'ready':
      return begin(attempt, workshop);
    case 'accepted':
      return collect(attempt, workshop);
    case 'intent':
    case 'unknown':
      // A task may run that only a callback can name. Nobody submits an intent he did not make.
      return { kind: 'again', afterSeconds: pollSeconds(attempt.usualSeconds), attempt };
    case 'succeeded':
    case 'failed':
    case 'rejected':
    case 'abandoned':
      return { kind: 'over', verdict: attempt.state };
  }
}

async function begin(attempt: LeasedAttempt, workshop: Workshop): Promise<Advanced> {
  const waitSeconds = attempt.notBefore === null ? 0 : (attempt.notBefore.getTime() - attempt.now.getTime()) / 1000;
  if (waitSeconds > 0) {
    return { kind: 'again', afterSeconds: waitSeconds, attempt: { ...attempt, notBefore: null } };
  }
  const prepared = await prepare(attempt, workshop);
  return prepared.kind === 'ready' ? submit(prepared.attempt, prepared.payload, workshop) : prepared.advanced;
}
