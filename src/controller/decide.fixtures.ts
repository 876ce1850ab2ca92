import type { ObservedExecution } from '../ledger/executions.ts';
import type { Observation } from '../order/observation.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import { parseVideoJob } from '../videojob/parse.ts';
import type { VideoJob } from '../videojob/schema.ts';
import type { Observed, ObservedJob } from './observed.ts';

export const now = new Date('2026-01-01T12:00:00Z');
export const uid = '11111111-1111-4111-8111-111111111111';
export const secondsFromNow = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

/** A claimed, admitted VideoJob whose first attempt is `ready`; every test changes what it is about. */
export function videoJob(change: { metadata?: object; spec?: object; status?: object } = {}): VideoJob {
  return parseVideoJob({
    apiVersion: 'neurocards.io/v1alpha1',
    kind: 'VideoJob',
    metadata: {
      name: 'vj-abcdefghijkl',
      namespace: 'jobs',
      uid,
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-01-01T11:59:00Z',
      finalizers: [SETTLEMENT_FINALIZER],
      ...change.metadata,
    },
    spec: {
      order: { id: 'abcdefghijkl', userId: 1, credits: 1, specHash: `v1:${'0'.repeat(64)}`, mac: '0'.repeat(64) },
      input: { photo: 'photos/a.jpg', template: 'ad' },
      generation: {
        provider: 'kie',
        model: 'bytedance/seedance-2-fast',
        seconds: 5,
        aspectRatio: '9:16',
        audio: false,
        mode: 'Pod',
        maxAttempts: 2,
        timeoutSeconds: 600,
      },
      delivery: { minExecutions: 3, timeoutSeconds: 180, deadlineSeconds: 900 },
      activeDeadlineSeconds: 1800,
      queueTimeoutSeconds: 3600,
      ...change.spec,
    },
    status: change.status ?? {},
  });
}

export function observation(change: Partial<Observation> = {}): Observation {
  return {
    now,
    orderId: 'abcdefghijkl',
    claimedBy: uid,
    placedAt: secondsFromNow(-60),
    admittedAt: secondsFromNow(-50),
    suspended: false,
    settled: null,
    clocks: {
      queue: secondsFromNow(3500),
      generation: secondsFromNow(1750),
      furtherTask: null,
      delivery: null,
      hold: secondsFromNow(86_000),
    },
    attempts: { count: 1, confirmedFailures: 0, current: attempt() },
    generationExecutions: [],
    delivery: null,
    deliveryExecutions: [],
    video: null,
    ...change,
  };
}

type Attempt = NonNullable<Observation['attempts']['current']>;

export function attempt(change: Partial<Attempt> = {}): Attempt {
  return {
    n: 1,
    state: 'ready',
    notBefore: null,
    leaseUntil: null,
    taskId: null,
    failureClass: null,
    failureMessage: null,
    anotherAllowed: false,
    leasedExecutions: 0,
    ...change,
  };
}

export function execution(change: Partial<ObservedExecution> = {}): ObservedExecution {
  return {
    n: 1,
    executor: 'pod',
    openedAt: secondsFromNow(-10),
    leasedAt: null,
    endedAt: null,
    endCause: null,
    ...change,
  };
}

export function job(change: Partial<ObservedJob> = {}): ObservedJob {
  return {
    name: 'vj-abcdefghijkl-gen-1',
    uid: 'job-1',
    stage: 'generation',
    execution: 1,
    ours: true,
    deleting: false,
    ended: null,
    finishedAt: null,
    template: 'now',
    terminatingSince: null,
    ...change,
  };
}

export function observed(change: Partial<Observed> = {}): Observed {
  return {
    videoJob: videoJob(),
    claim: { answer: 'yours', settled: null },
    observation: observation(),
    jobs: [],
    podStartCause: null,
    templates: { generation: 'now', delivery: 'now' },
    ...change,
  };
}
