import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureClasses } from '../failure/classes.ts';
import type { ExecutionEnd, ObservedExecution } from '../ledger/executions.ts';
import type { Observation } from '../order/observation.ts';
import { isFinished } from '../videojob/conditions.ts';
import { CAPTURE_REASONS, FAILURE_REASONS } from '../videojob/reasons.ts';
import { equalStatus } from '../videojob/status.ts';
import {
  attempt,
  execution,
  job,
  now,
  observation,
  observed,
  secondsFromNow,
  uid,
  videoJob,
} from './decide.fixtures.ts';
import { decide } from './decide.ts';
import { type Decision, effectKey } from './decision.ts';
import type { Observed, ObservedJob } from './observed.ts';

/** Instants around now, on both sides and at once. */
const instant = fc.integer({ min: -4000, max: 4000 }).map(secondsFromNow);
const maybeInstant = fc.option(instant);
const ends: ExecutionEnd[] = ['Completed', 'Crashed', 'Lost', 'PodStartFailed', 'Superseded'];

const anExecution = fc.record({
  leasedAt: maybeInstant,
  endedAt: maybeInstant,
  openedAt: instant,
  end: fc.constantFrom(...ends),
});
/** Rows as PostgreSQL keeps them: numbered from 1, and only the last one may be open. */
const executions = fc.array(anExecution, { maxLength: 6 }).map((rows): ObservedExecution[] =>
  rows.map(({ leasedAt, endedAt, openedAt, end }, index) => {
    const ended = index < rows.length - 1 ? (endedAt ?? now) : endedAt;
    return execution({ n: index + 1, leasedAt, openedAt, endedAt: ended, endCause: ended === null ? null : end });
  }),
);

const jobs = fc.array(
  fc.record({
    stage: fc.constantFrom('generation' as const, 'delivery' as const),
    execution: fc.integer({ min: 1, max: 6 }),
    ours: fc.boolean(),
    deleting: fc.boolean(),
    ended: fc.constantFrom(null, 'succeeded' as const, 'failed' as const),
    template: fc.constantFrom('now', 'before', null),
    terminatingSince: maybeInstant,
  }),
  { maxLength: 3 },
);

const settled = fc.oneof(
  fc.record({
    outcome: fc.constant('captured' as const),
    reason: fc.constantFrom(...CAPTURE_REASONS, 'Deleted'),
    at: instant,
  }),
  fc.record({
    outcome: fc.constant('released' as const),
    reason: fc.constantFrom(...FAILURE_REASONS, 'SomethingNew'),
    at: instant,
  }),
);

const anAttempt = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  state: fc.constantFrom(
    'ready',
    'intent',
    'unknown',
    'accepted',
    'succeeded',
    'failed',
    'rejected',
    'abandoned' as const,
  ),
  notBefore: maybeInstant,
  leaseUntil: maybeInstant,
  taskId: fc.option(fc.constantFrom('task-1', 'task-2')),
  failureClass: fc.option(fc.constantFrom(...failureClasses, 'a-class-of-tomorrow')),
  failureMessage: fc.option(fc.constantFrom('it failed', 'x'.repeat(3000))),
  anotherAllowed: fc.boolean(),
  leasedExecutions: fc.integer({ min: 0, max: 6 }),
});

const anObservation = fc
  .record({
    admittedAt: maybeInstant,
    suspended: fc.boolean(),
    settled: fc.option(settled, { freq: 3 }),
    clocks: fc.record({
      queue: maybeInstant,
      generation: maybeInstant,
      furtherTask: maybeInstant,
      delivery: maybeInstant,
      hold: instant,
    }),
    current: fc.option(anAttempt),
    failure: fc.option(
      fc.record({
        class: fc.constantFrom(...failureClasses, 'a-class-of-tomorrow'),
        message: fc.option(fc.constantFrom('it failed', 'x'.repeat(3000))),
      }),
    ),
    generationExecutions: executions,
    deliveryExecutions: executions,
    video: fc.option(fc.constant({ bytes: 1000, seconds: 3, width: 480, height: 640 })),
    delivery: fc.option(
      fc.record({
        state: fc.constantFrom('pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain' as const),
        notBefore: maybeInstant,
        leaseUntil: maybeInstant,
        editsBegun: fc.nat(5),
        editsUnanswered: fc.nat(2),
        over: fc.boolean(),
      }),
    ),
  })
  .map(
    ({ current, failure, ...rest }): Observation =>
      observation({
        ...rest,
        attempts: {
          count: current?.n ?? 0,
          confirmedFailures: 0,
          lastFailure: failure,
          current: current === null ? null : attempt(current),
        },
      }),
  );

const anObserved: fc.Arbitrary<Observed> = fc
  .record({
    spec: fc.record({
      cancel: fc.boolean(),
      suspend: fc.boolean(),
      ttlSecondsAfterFinished: fc.constantFrom(0, 60, 86_400),
    }),
    deleting: fc.boolean(),
    finalizers: fc.constantFrom([], ['neurocards.io/settlement'], ['neurocards.io/settlement', 'foregroundDeletion']),
    generation: fc.integer({ min: 1, max: 3 }),
    claim: fc.constantFrom(
      { answer: 'yours' as const, settled: null },
      { answer: 'refused' as const, reason: 'OtherContent' as const, blocksOpenOrder: true },
      { answer: 'refused' as const, reason: 'UnknownOrder' as const, blocksOpenOrder: false },
    ),
    observation: fc.option(anObservation, { freq: 20 }),
    jobs,
    podStartCause: fc.constantFrom(null, 'ImagePull', 'Config', 'Unschedulable', 'Quota', 'Unknown' as const),
  })
  .map(({ spec, deleting, finalizers, generation, claim, observation: seen, jobs: found, podStartCause }) =>
    observed({
      videoJob: videoJob({
        spec,
        metadata: { finalizers, generation, uid, ...(deleting ? { deletionTimestamp: '2026-01-01T11:59:30Z' } : {}) },
      }),
      claim,
      observation: claim.answer === 'refused' ? null : seen,
      jobs: found.map(
        (one): ObservedJob =>
          job({ ...one, name: `vj-abcdefghijkl-${one.stage === 'generation' ? 'gen' : 'dlv'}-${one.execution}` }),
      ),
      podStartCause,
    }),
  );

/** Decides as a pass does: every ledger effect is tried once, and here never changes anything. */
function settledDecision(seen: Observed): { decision: Decision; rounds: number } {
  const tried = new Set<string>();
  for (let rounds = 1; ; rounds += 1) {
    const decision = decide(seen, now, tried);
    if (decision.ledger.length === 0) return { decision, rounds };
    for (const effect of decision.ledger) {
      if (tried.has(effectKey(effect))) throw new Error(`${effectKey(effect)} is asked for twice in one pass`);
      tried.add(effectKey(effect));
    }
  }
}

const starts = (decision: Decision): boolean =>
  decision.ledger.some(({ kind }) => kind === 'open-attempt' || kind === 'open-execution') ||
  decision.cluster.some(({ kind }) => kind === 'post-job');

describe('whatever is observed', () => {
  it('a pass comes to rest, with ledger and cluster effects apart', () => {
    fc.assert(
      fc.property(anObserved, (seen) => {
        const first = decide(seen, now);
        expect(first.ledger.length === 0 || first.cluster.length === 0).toBe(true);
        expect(first.ledger.length === 0 || first.status === null).toBe(true);
        expect(settledDecision(seen).rounds).toBeLessThanOrEqual(8);
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing starts that is refused, being deleted, settled or finished', () => {
    fc.assert(
      fc.property(anObserved, (seen) => {
        const isOver =
          seen.claim?.answer === 'refused' ||
          seen.videoJob.metadata.deletionTimestamp !== undefined ||
          seen.observation === null ||
          seen.observation.settled !== null;
        fc.pre(isOver);
        expect(starts(decide(seen, now))).toBe(false);
        expect(starts(settledDecision(seen).decision)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing is asked of the ledger for an object whose claim was refused', () => {
    fc.assert(
      fc.property(anObserved, (seen) => {
        fc.pre(seen.claim?.answer === 'refused');
        expect(decide(seen, now).ledger).toEqual([]);
      }),
    );
  });

  it('the next look lies ahead, and there is one while the order is open', () => {
    fc.assert(
      fc.property(anObserved, (seen) => {
        const { decision } = settledDecision(seen);
        if (decision.requeueAt !== null) expect(decision.requeueAt.getTime()).toBeGreaterThan(now.getTime());
        const isOpen = seen.claim?.answer === 'yours' && seen.observation?.settled === null;
        if (isOpen) expect(decision.requeueAt).not.toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  it('a status that was written needs no second write', () => {
    fc.assert(
      fc.property(anObserved, (seen) => {
        const { status } = settledDecision(seen).decision;
        fc.pre(status !== null);
        const { metadata, spec } = seen.videoJob;
        const written = { ...seen, videoJob: videoJob({ metadata, spec, status }) };
        const again = settledDecision(written).decision.status;
        expect(again === null || equalStatus(again, status)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('Finished never changes once it is True', () => {
    fc.assert(
      fc.property(anObserved, anObserved, fc.integer({ min: 2, max: 9 }), (seen, later, generation) => {
        const { status } = settledDecision(seen).decision;
        fc.pre(status !== null && isFinished(status.conditions));
        const finished = videoJob({
          metadata: { ...later.videoJob.metadata, generation },
          spec: later.videoJob.spec,
          status,
        });
        const { decision } = settledDecision({ ...later, videoJob: finished });
        expect(decision.ledger).toEqual([]);
        expect(starts(decision)).toBe(false);
        if (decision.status === null) return;
        const bare = ({ observedGeneration: _seen, conditions, ...rest }: typeof status) => ({
          ...rest,
          conditions: conditions?.map(({ observedGeneration: _one, ...condition }) => condition),
        });
        expect(bare(decision.status)).toEqual(bare(status));
      }),
      { numRuns: 2000 },
    );
  });
});
