import { isFailureClass, policyOf } from '../failure/classes.ts';
import type { ObservedExecution } from '../ledger/executions.ts';
import type { Settled } from '../ledger/settlement.ts';
import type { Claimed } from '../order/claim.ts';
import type { Observation } from '../order/observation.ts';
import { type ConditionState, endConditions, setConditions } from '../videojob/conditions.ts';
import { childJobName } from '../videojob/names.ts';
import { CAPTURE_MEANINGS, type EndReason, FAILURE_MEANINGS, isEndReason } from '../videojob/reasons.ts';
import type { VideoJob, VideoJobStatus } from '../videojob/schema.ts';
import { rfc3339 } from './instants.ts';
import type { Observed } from './observed.ts';
import { openConditions } from './open-conditions.ts';

/** The status as PostgreSQL's knowledge makes it: nothing in it is an input to anything. */
export function mirror(observed: Observed, observation: Observation, now: Date): VideoJobStatus {
  const { videoJob } = observed;
  const previous = videoJob.status;
  const { settled, attempts, video } = observation;
  const states = settled === null ? openConditions(observed, observation) : endStates(settled);
  const startTime = previous.startTime ?? rfc3339(now);
  const completionTime = settled === null ? undefined : rfc3339(settled.at);
  const active = activeJob(videoJob, observation);
  const failure = lastFailure(observation, previous, now);
  // The newest task stays named while the attempt after it has none yet.
  const taskId = attempts.current?.taskId ?? previous.providerTaskID;
  return {
    observedGeneration: videoJob.metadata.generation,
    conditions: conditionsOf(videoJob, states, now),
    startTime,
    attempts: attempts.count,
    executions: observation.generationExecutions.length,
    deliveryExecutions: observation.deliveryExecutions.length,
    ...(observation.admittedAt === null ? {} : { admittedAt: rfc3339(observation.admittedAt) }),
    ...(completionTime === undefined
      ? {}
      : { completionTime, durationSeconds: secondsBetween(startTime, completionTime) }),
    ...(observation.generationExecutions.length === 0
      ? {}
      : { generationMode: modeOf(observation.generationExecutions) }),
    ...(settled !== null || active === undefined ? {} : { activeJobName: active }),
    ...(taskId === undefined ? {} : { providerTaskID: taskId }),
    ...(settled === null ? {} : { settlement: { outcome: settled.outcome, at: rfc3339(settled.at) } }),
    ...(video === null ? {} : { video }),
    ...(failure === undefined ? {} : { lastFailure: failure }),
  };
}

/** An object that claims an order which is not its own: it ends here, costs nothing and reaches nobody. */
export function refusedStatus(
  videoJob: VideoJob,
  reason: Extract<Claimed, { answer: 'refused' }>['reason'],
  now: Date,
): VideoJobStatus {
  const message = refusals[reason];
  const at = rfc3339(now);
  return {
    observedGeneration: videoJob.metadata.generation,
    conditions: conditionsOf(videoJob, endConditions('ClaimRefused', message), now),
    startTime: at,
    completionTime: at,
    durationSeconds: 0,
  };
}

const refusals = {
  UnknownOrder: 'The ledger holds no order of this name. VideoJobs are created by the bot, not by hand.',
  OtherClaimant: 'Another VideoJob has claimed this order.',
  OtherContent: 'The spec is not the one that was ordered.',
} as const;

function endStates({ reason, outcome }: Settled): ConditionState[] {
  const known: EndReason = isEndReason(reason) ? reason : 'GenerationFailed';
  const meaning: string = { ...FAILURE_MEANINGS, ...CAPTURE_MEANINGS }[known];
  return endConditions(known, meaning, outcome);
}

function conditionsOf(videoJob: VideoJob, states: readonly ConditionState[], now: Date): VideoJobStatus['conditions'] {
  return setConditions(videoJob.status.conditions ?? [], states, {
    now: rfc3339(now),
    observedGeneration: videoJob.metadata.generation,
  });
}

function activeJob(videoJob: VideoJob, { generationExecutions, deliveryExecutions }: Observation): string | undefined {
  const delivery = deliveryExecutions.find((one) => one.endedAt === null);
  if (delivery !== undefined) return childJobName(videoJob.metadata.name, 'deliver', delivery.n);
  const generation = generationExecutions.find((one) => one.endedAt === null);
  return generation === undefined ? undefined : childJobName(videoJob.metadata.name, 'generate', generation.n);
}

function modeOf(executions: readonly ObservedExecution[]): 'Pod' | 'Managed' {
  return executions.at(-1)?.executor === 'managed' ? 'Managed' : 'Pod';
}

function lastFailure(
  { attempts: { lastFailure: seen } }: Observation,
  previous: VideoJobStatus,
  now: Date,
): VideoJobStatus['lastFailure'] {
  if (seen == null || !isFailureClass(seen.class)) return previous.lastFailure;
  const reason = policyOf(seen.class).finishedReason;
  const message = (seen.message ?? seen.class).slice(0, 1024);
  const known = previous.lastFailure;
  // The same failure seen again is no news: its time stays, and nothing needs writing.
  if (known?.reason === reason && known.message === message) return known;
  return { reason, message, time: rfc3339(now) };
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}
