import type { Observation } from '../order/observation.ts';
import type { ConditionState } from '../videojob/conditions.ts';
import type { Observed, PodStartCause } from './observed.ts';

/** The four conditions of an order that is not settled. */
export function openConditions(observed: Observed, observation: Observation): ConditionState[] {
  return [
    generated(observed, observation),
    delivered(observed, observation),
    {
      type: 'CreditsSettled',
      status: 'False',
      reason: 'CreditsHeld',
      message: 'The credits are held until the order ends.',
    },
    finished(observation),
  ];
}

function generated({ podStartCause }: Observed, observation: Observation): ConditionState {
  const unknown = (
    reason: Extract<ConditionState, { type: 'Generated'; status: 'Unknown' }>['reason'],
    message: string,
  ) => ({ type: 'Generated', status: 'Unknown', reason, message }) as const;
  if (observation.video !== null) {
    return { type: 'Generated', status: 'True', reason: 'VideoStored', message: 'The video is stored.' };
  }
  if (observation.admittedAt === null) return unknown('WaitingForCapacity', 'Waits for a free place at the provider.');
  if (observation.suspended && !running(observation.generationExecutions)) {
    return unknown('Suspended', 'Suspended before the next step of generation.');
  }
  if (podStartCause !== null) return unknown('PodStartPending', podStartMessage(podStartCause));
  const { current } = observation.attempts;
  if (current !== null && (current.state === 'failed' || (current.state === 'ready' && current.n > 1))) {
    return unknown('GenerationRetryPending', `Attempt ${current.n} follows a confirmed failure.`);
  }
  return unknown('GenerationRunning', 'The video is being generated.');
}

function delivered({ podStartCause }: Observed, observation: Observation): ConditionState {
  const unknown = (
    reason: Extract<ConditionState, { type: 'Delivered'; status: 'Unknown' }>['reason'],
    message: string,
  ) => ({ type: 'Delivered', status: 'Unknown', reason, message }) as const;
  if (observation.video === null) return unknown('AwaitingGeneration', 'There is no video yet.');
  if (observation.suspended && !running(observation.deliveryExecutions)) {
    return unknown('Suspended', 'Suspended before delivery.');
  }
  if (podStartCause !== null) return unknown('PodStartPending', podStartMessage(podStartCause));
  if (!running(observation.deliveryExecutions) && observation.deliveryExecutions.length > 0) {
    return unknown('DeliveryRetryPending', 'The next delivery follows.');
  }
  return unknown('DeliveryRunning', 'The video is being shown.');
}

function finished({ admittedAt, suspended, video }: Observation): ConditionState {
  const open = (reason: Extract<ConditionState, { type: 'Finished'; status: 'False' }>['reason'], message: string) =>
    ({ type: 'Finished', status: 'False', reason, message }) as const;
  if (suspended) return open('Suspended', 'Suspended; clocks stand still, except the 24 hours of the hold.');
  if (video !== null) return open('Delivering', 'The stored video is being shown.');
  if (admittedAt === null) return open('WaitingForCapacity', 'Waits for a free place at the provider.');
  return open('Generating', 'The video is being generated.');
}

function running(executions: Observation['generationExecutions']): boolean {
  return executions.some((one) => one.endedAt === null);
}

const podStartTexts: Record<PodStartCause, string> = {
  ImagePull: 'The image of the pod cannot be pulled.',
  Config: 'A Secret of the pod, or a key in it, is missing.',
  Unschedulable: 'No node takes the pod: no room, a claim that is not bound, or a selector. Describe the pod.',
  Quota: 'No pod was made: a quota, Pod Security or a missing ServiceAccount. Describe the Job.',
  Unknown: 'The pod has not started. Describe the pod.',
};

function podStartMessage(cause: PodStartCause): string {
  return `${cause}: ${podStartTexts[cause]}`;
}
