import type { Observation } from '../order/observation.ts';
import { isFinished } from '../videojob/conditions.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import type { ClusterEffect, Decision, LedgerEffect } from './decision.ts';
import { effectKey, nothing } from './decision.ts';
import { decideDelivery } from './delivery-stage.ts';
import { decideFinished } from './finished.ts';
import { decideGeneration } from './generation-stage.ts';
import { earliest, later } from './instants.ts';
import { mirror, refusedStatus } from './mirror.ts';
import type { Observed } from './observed.ts';
import { overdueJobs } from './overdue-jobs.ts';

const netMs = 5 * 60_000;
const refusedMs = 5_000;

/**
 * What is to be done about one VideoJob: pure, without a clock and without effects. `now` is PostgreSQL's clock; `tried` holds the
 * ledger effects this pass has already asked for, so that a refused request is not repeated before the next pass.
 *
 * The order of guards is the design's: claim, finished, deleting, cancel, clocks, suspended, admission, generation, delivery.
 */
export function decide(observed: Observed, now: Date, tried: ReadonlySet<string> = new Set()): Decision {
  const { videoJob, claim, observation } = observed;
  if (isFinished(videoJob.status.conditions)) return decideFinished(observed, now);
  if (claim?.answer === 'refused') {
    return {
      ...nothing,
      status: refusedStatus(videoJob, claim.reason, now),
      // The finalizer goes in the pass after the status was stored; until then the deletion waits for it.
      cluster: claim.blocksOpenOrder ? [{ kind: 'delete-video-job' }] : [],
      // No row of ours knows this object, so no sweep would bring it back here.
      requeueAt: later(now, netMs),
    };
  }
  if (observation === null) return { ...nothing, requeueAt: later(now, 5_000) };
  if (observation.settled !== null) return decideSettled(observed, observation, now);
  const ledger = nextLedgerEffect(observed, observation, tried);
  if (ledger !== null) return { ...nothing, ledger: [ledger] };
  if (videoJob.metadata.deletionTimestamp !== undefined) return { ...nothing, requeueAt: later(now, refusedMs) };
  return decideStage(observed, observation, now, tried);
}

/** Settled and not yet Finished: status follows what PostgreSQL decided. A deleted object needs no end state. */
function decideSettled(observed: Observed, observation: Observation, now: Date): Decision {
  const { videoJob, jobs } = observed;
  const { deletionTimestamp, finalizers } = videoJob.metadata;
  if (deletionTimestamp !== undefined) {
    const holds = finalizers.includes(SETTLEMENT_FINALIZER);
    return { ...nothing, cluster: holds ? [{ kind: 'drop-finalizer' }] : [] };
  }
  const late = overdueJobs(jobs, observation.settled?.at ?? now, now);
  return {
    ...nothing,
    status: mirror(observed, observation, now),
    cluster: late.cluster,
    requeueAt: earliest([late.requeueAt, later(now, netMs)]),
  };
}

function nextLedgerEffect(
  observed: Observed,
  observation: Observation,
  tried: ReadonlySet<string>,
): LedgerEffect | null {
  for (const effect of ledgerEffects(observed, observation)) {
    if (!tried.has(effectKey(effect))) return effect;
  }
  return null;
}

function* ledgerEffects({ videoJob }: Observed, observation: Observation): Generator<LedgerEffect> {
  if (videoJob.metadata.deletionTimestamp !== undefined) yield { kind: 'close', request: 'Deleted' };
  if (videoJob.spec.cancel && cancellable(observation)) yield { kind: 'cancel' };
  if (observation.delivery?.over === true) yield { kind: 'close', request: 'DeliveryOver' };
  if (clockIsDue(observation)) yield { kind: 'close', request: 'Clock' };
  if (videoJob.spec.suspend !== observation.suspended) {
    yield { kind: 'set-suspended', suspended: videoJob.spec.suspend };
  }
}

function cancellable({ attempts: { current } }: Observation): boolean {
  return current === null || current.state === 'ready' || current.state === 'rejected' || current.state === 'failed';
}

function clockIsDue({ now, clocks, admittedAt, video, attempts: { current } }: Observation): boolean {
  const due = (at: Date | null): boolean => at !== null && at.getTime() <= now.getTime();
  if (due(clocks.hold)) return true;
  if (admittedAt === null) return due(clocks.queue);
  if (video !== null) return due(clocks.delivery);
  // A task that was only prepared when no further one may begin never will.
  return due(clocks.generation) || (current?.state === 'ready' && due(clocks.furtherTask));
}

function decideStage(observed: Observed, observation: Observation, now: Date, tried: ReadonlySet<string>): Decision {
  const stage =
    observation.admittedAt === null
      ? nothing
      : observation.video === null
        ? decideGeneration(observed, observation, tried)
        : decideDelivery(observed, observation, tried);
  const ledger = stage.ledger.filter((effect) => !tried.has(effectKey(effect)));
  if (ledger.length > 0) return { ...nothing, ledger };
  return {
    ...stage,
    ledger,
    cluster: [...stage.cluster, ...leftovers(observed, observation)],
    status: mirror(observed, observation, now),
    requeueAt: earliest([
      stage.requeueAt,
      // What the ledger refused in this pass is asked for again soon, not at once.
      stage.ledger.length > 0 ? later(now, refusedMs) : null,
      nextClock(observation),
      later(now, netMs),
    ]),
  };
}

/** Jobs that still run although their execution's row has ended: its lease is void, and nothing of theirs counts. */
function leftovers({ jobs }: Observed, observation: Observation): ClusterEffect[] {
  const rows = { generation: observation.generationExecutions, delivery: observation.deliveryExecutions };
  return jobs
    .filter((job) => job.ours && job.ended === null && !job.deleting)
    .filter((job) => rows[job.stage].some((row) => row.n === job.execution && row.endedAt !== null))
    .map(({ name, uid }) => ({ kind: 'delete-job', name, uid }));
}

function nextClock({ clocks, admittedAt, video, now }: Observation): Date | null {
  const running = admittedAt === null ? clocks.queue : video === null ? clocks.generation : clocks.delivery;
  const due = earliest([running, clocks.hold, admittedAt !== null && video === null ? clocks.furtherTask : null]);
  // A clock that is due and did not close (its own precondition failed) is looked at again soon, not at once.
  return due !== null && due.getTime() <= now.getTime() ? later(now, refusedMs) : due;
}
