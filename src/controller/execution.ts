import type { ExecutionEnd, ObservedExecution, Stage } from '../ledger/executions.ts';
import type { Observation } from '../order/observation.ts';
import { type Decision, nothing } from './decision.ts';
import { earliest, later } from './instants.ts';
import type { Observed, ObservedJob } from './observed.ts';

/** Executions of one attempt that held a lease and ended without a verdict; the fifth ends the order. */
export const leasedExecutionsAllowed = 5;

const lostAfterMs = 60_000;
const podStartLookMs = 30_000;

type Decided = { kind: 'go-on'; decision: Decision } | { kind: 'give-up' };

/** Keeps exactly one execution of a stage going: its row first, then its Job. */
export function decideExecution(
  stage: Stage,
  executions: readonly ObservedExecution[],
  observed: Observed,
  observation: Observation,
): Decided {
  const latest = executions.reduce<ObservedExecution | null>(
    (top, one) => (top === null || one.n > top.n ? one : top),
    null,
  );
  if (latest !== null && latest.endedAt === null) return goOn(decideOpen(stage, latest, observed, observation));
  if (observation.suspended && !isPaid(stage, observation)) return goOn(nothing);
  if (stage === 'generation' && (observation.attempts.current?.leasedExecutions ?? 0) >= leasedExecutionsAllowed) {
    return { kind: 'give-up' };
  }
  const notBefore = earliestNext(stage, executions, observation);
  if (notBefore !== null && notBefore.getTime() > observation.now.getTime()) {
    return goOn({ ...nothing, requeueAt: notBefore });
  }
  return goOn({ ...nothing, ledger: [{ kind: 'open-execution', stage, n: (latest?.n ?? 0) + 1 }] });
}

/** The row is open: its Job runs, has ended, was never posted, or is gone. */
function decideOpen(
  stage: Stage,
  execution: ObservedExecution,
  observed: Observed,
  observation: Observation,
): Decision {
  const { now } = observation;
  const job = observed.jobs.find((one) => one.stage === stage && one.execution === execution.n);
  if (job === undefined) {
    if (execution.leasedAt !== null) return end(stage, execution.n, 'Lost');
    if (observation.suspended && !isPaid(stage, observation)) return nothing;
    const remainingSeconds = remaining(stage, observed, observation);
    return { ...nothing, cluster: [{ kind: 'post-job', stage, execution: execution.n, remainingSeconds }] };
  }
  if (!job.ours) return end(stage, execution.n, 'Superseded');
  if (startsFromOldTemplate(job, execution, observed)) return end(stage, execution.n, 'Superseded');
  const cause = endOf(job, execution, now);
  if (cause !== null) return end(stage, execution.n, cause);
  return { ...nothing, requeueAt: nextLook(job, execution, now) };
}

/** A task that was paid for, or may have been, is followed to its end in a suspended order too. */
function isPaid(stage: Stage, { attempts: { current } }: Observation): boolean {
  return stage === 'generation' && current !== null && current.state !== 'ready';
}

/** Seconds that an execution which begins now may take: of generation its clock, of delivery its own time; never past the hold. */
function remaining(stage: Stage, { videoJob }: Observed, { now, clocks }: Observation): number {
  const until = (at: Date): number => Math.ceil((at.getTime() - now.getTime()) / 1000);
  const own = stage === 'delivery' ? videoJob.spec.delivery.timeoutSeconds : until(clocks.generation ?? clocks.hold);
  return Math.max(1, Math.min(own, until(clocks.hold)));
}

/** Its pod does not start and the template was changed meanwhile: nothing was paid, and the new one may be the cure. */
function startsFromOldTemplate(job: ObservedJob, execution: ObservedExecution, observed: Observed): boolean {
  const stuck = execution.leasedAt === null && job.ended === null && observed.podStartCause !== null;
  return stuck && job.template !== null && job.template !== observed.templates[job.stage];
}

function endOf(job: ObservedJob, execution: ObservedExecution, now: Date): ExecutionEnd | null {
  if (job.ended === 'succeeded') return 'Completed';
  if (job.ended === 'failed') return execution.leasedAt === null ? 'PodStartFailed' : 'Crashed';
  if (job.deleting) return 'Lost';
  if (job.terminatingSince !== null && now.getTime() - job.terminatingSince.getTime() >= lostAfterMs) return 'Lost';
  return null;
}

function nextLook(job: ObservedJob, execution: ObservedExecution, now: Date): Date | null {
  const podLook = execution.leasedAt === null ? later(execution.openedAt, podStartLookMs) : null;
  const nextPodLook = podLook !== null && podLook.getTime() <= now.getTime() ? later(now, podStartLookMs) : podLook;
  const lost = job.terminatingSince === null ? null : later(job.terminatingSince, lostAfterMs);
  return earliest([nextPodLook, lost]);
}

/** When the next execution may be opened: at once after the first end, then slower; never-leased ones wait 10 s to 5 min. */
function earliestNext(stage: Stage, executions: readonly ObservedExecution[], observation: Observation): Date | null {
  const ended = executions.filter((one) => one.endedAt !== null).toSorted((a, b) => b.n - a.n);
  const last = ended[0];
  const rowNotBefore = stage === 'delivery' ? (observation.delivery?.notBefore ?? null) : null;
  if (last?.endedAt == null || last.endCause === 'Superseded') return rowNotBefore;
  const unleased = ended.findIndex((one) => one.leasedAt !== null);
  const inARow = unleased === -1 ? ended.length : unleased;
  const pauseMs =
    last.leasedAt === null
      ? Math.min(300_000, 10_000 * 2 ** (inARow - 1))
      : Math.min(60_000, 2_000 * 2 ** Math.max(0, ended.length - 2)) * (ended.length > 1 ? 1 : 0);
  const after = later(last.endedAt, pauseMs);
  return rowNotBefore !== null && rowNotBefore.getTime() > after.getTime() ? rowNotBefore : after;
}

function end(stage: Stage, n: number, cause: ExecutionEnd): Decision {
  return { ...nothing, ledger: [{ kind: 'end-execution', stage, n, cause }] };
}

function goOn(decision: Decision): Decided {
  return { kind: 'go-on', decision };
}
