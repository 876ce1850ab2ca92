import type { z } from 'zod';
import { type Advanced, advance, type Workshop } from '../generation/advance.ts';
import { type LeasedAttempt, leaseAttempt, renewAttempt } from '../generation/attempt.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import { persist } from '../postgres/persist.ts';
import { isUnavailable } from '../postgres/unavailable.ts';
import type { generateEnvironment } from './config.ts';
import { exitCodes, type RunnerEnd } from './exit.ts';
import { interrupted } from './interruptible-pause.ts';
import { type KeptLease, keepLease, ownerName } from './lease-keeper.ts';

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
    const lease = await leaseNow(identity, owner, tools);
    if (lease === 'stopped') return interruption;
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

/** Asks for the lease until the database answers, or until SIGTERM. */
async function leaseNow(
  identity: Identity,
  owner: string,
  { database, stopping }: GenerateTools,
): Promise<Awaited<ReturnType<typeof leaseAttempt>> | 'stopped'> {
  const { NEUROCARDS_ORDER: order, NEUROCARDS_VIDEOJOB_UID: uid, NEUROCARDS_EXECUTION: execution } = identity;
  if (stopping.aborted) return 'stopped';
  try {
    return await persist(() => leaseAttempt(database, order, uid, execution, owner), stopping);
  } catch (error) {
    if (stopping.aborted) return 'stopped';
    throw error;
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
    const advanced = await advanceOnce(attempt, tools, kept);
    if (advanced.kind === 'over') return { code: exitCodes.verdict, message: `the attempt is ${advanced.verdict}` };
    if (advanced.kind === 'lost') return afterLoss(kept, advanced.because);
    if (advanced.attempt.state !== attempt.state) {
      tools.log.info({ attempt: attempt.n, from: attempt.state, to: advanced.attempt.state }, 'attempt moved');
      stateInRow = advanced.attempt.state;
    }
    attempt = advanced.attempt;
    if (await interrupted(advanced.afterSeconds, AbortSignal.any([tools.stopping, kept.lost]))) {
      return kept.lost.aborted ? afterLoss(kept, 'the lease was lost') : interruption;
    }
    if (attempt.state === 'intent' || attempt.state === 'unknown') stateInRow = await newsOf(leased, stateInRow, tools);
    // A callback may have named the task while we waited: the fresh row has its id.
    if (stateInRow !== attempt.state) return 'lease again';
  }
}

/**
 * Only a callback can name a task whose answer was lost, and it tells the row: that is looked at as often as a provider would be polled.
 * A look that fails says nothing; whether the lease is still ours is `keepLease`'s matter.
 */
async function newsOf(leased: LeasedAttempt, known: string, { database }: GenerateTools): Promise<string> {
  try {
    return (await renewAttempt(database, leased.attemptId, leased.fence)).state;
  } catch (error) {
    if (isUnavailable(error)) return known;
    throw error;
  }
}

/** A step that the loss of the lease broke off is a loss, whatever it threw. */
async function advanceOnce(attempt: LeasedAttempt, tools: GenerateTools, { lost }: KeptLease): Promise<Advanced> {
  try {
    return await advance(attempt, { ...tools, lost });
  } catch (error) {
    if (lost.aborted) return { kind: 'lost', because: 'the lease was lost' };
    throw error;
  }
}

function afterLoss(kept: KeptLease, because: string): RunnerEnd | 'lease again' {
  return kept.ranOut ? 'lease again' : { code: exitCodes.superseded, message: because };
}
