import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { type Advanced, advance, type Workshop } from '../generation/advance.ts';
import { type LeasedAttempt, leaseAttempt, renewAttempt } from '../generation/attempt.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import type { generateEnvironment } from './config.ts';
import { exitCodes, type RunnerEnd } from './exit.ts';
import { keepLease, ownerName } from './lease-keeper.ts';

export interface GenerateTools extends Omit<Workshop, 'lost'> {
  database: Database;
  log: Logger;
}

type Identity = Pick<
  z.infer<typeof generateEnvironment>,
  'NEUROCARDS_ORDER' | 'NEUROCARDS_VIDEOJOB_UID' | 'NEUROCARDS_EXECUTION'
>;

/**
 * Drives the order's live attempt until its verdict stands in the row. Killed at any point, the next execution adopts the row;
 * this one never submits what it did not begin itself.
 */
export async function generate(identity: Identity, tools: GenerateTools): Promise<RunnerEnd> {
  const owner = ownerName();
  for (;;) {
    const lease = await persist(
      () =>
        leaseAttempt(
          tools.database,
          identity.NEUROCARDS_ORDER,
          identity.NEUROCARDS_VIDEOJOB_UID,
          identity.NEUROCARDS_EXECUTION,
          owner,
        ),
      tools.stopping,
    );
    if (lease.outcome === 'over') return { code: exitCodes.verdict, message: lease.because };
    if (lease.outcome === 'held') {
      if (await interrupted(2, tools.stopping)) return interruption;
      continue;
    }
    tools.log.info({ attempt: lease.n, state: lease.state, fence: lease.fence }, 'attempt leased');
    const end = await drive(lease, tools);
    if (end !== 'lease again') return end;
  }
}

const interruption: RunnerEnd = {
  code: exitCodes.interrupted,
  message: 'stopped before the verdict; the next execution goes on',
};

async function drive(leased: LeasedAttempt, tools: GenerateTools): Promise<RunnerEnd | 'lease again'> {
  let attempt = leased;
  let stateInRow: string = attempt.state;
  await using kept = keepLease(async () => {
    const renewed = await renewAttempt(tools.database, leased.attemptId, leased.fence);
    stateInRow = renewed.state;
    return renewed;
  });
  for (;;) {
    const advanced: Advanced = await advance(attempt, { ...tools, lost: kept.lost });
    if (advanced.kind === 'over') return { code: exitCodes.verdict, message: `the attempt is ${advanced.verdict}` };
    if (advanced.kind === 'lost') return { code: exitCodes.superseded, message: advanced.because };
    if (advanced.attempt.state !== attempt.state) {
      tools.log.info({ attempt: attempt.n, from: attempt.state, to: advanced.attempt.state }, 'attempt moved');
      stateInRow = advanced.attempt.state;
    }
    attempt = advanced.attempt;
    if (await interrupted(advanced.afterSeconds, AbortSignal.any([tools.stopping, kept.lost]))) {
      return kept.lost.aborted ? { code: exitCodes.superseded, message: 'the lease was lost' } : interruption;
    }
    if (attempt.state === 'intent' || attempt.state === 'unknown') {
      // Only a callback can name this task, and it tells the row: looked at as often as a provider would be polled.
      const row = await persist(() => renewAttempt(tools.database, leased.attemptId, leased.fence), kept.lost);
      if (!row.held) return { code: exitCodes.superseded, message: 'the lease was lost' };
      stateInRow = row.state;
    }
    // A callback may have named the task while we waited: the fresh row has its id.
    if (stateInRow !== attempt.state) return 'lease again';
  }
}

async function interrupted(afterSeconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  return pause(afterSeconds * 1000, false, { signal }).catch(() => true);
}
