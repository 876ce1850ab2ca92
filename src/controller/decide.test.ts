import { describe, expect, it } from 'vitest';
import { findCondition } from '../videojob/conditions.ts';
import { attempt, execution, job, now, observation, observed, secondsFromNow, videoJob } from './decide.fixtures.ts';
import { decide } from './decide.ts';
import { effectKey } from './decision.ts';

const stored = { bytes: 1000, seconds: 3, width: 480, height: 640 };

describe('the 24 hours of a hold', () => {
  it('end the order though the clock of its stage has stopped', () => {
    const stopped = { queue: null, generation: null, furtherTask: null, delivery: null, hold: secondsFromNow(-1) };
    const decision = decide(observed({ observation: observation({ clocks: stopped }) }), now);
    expect(decision.ledger).toEqual([{ kind: 'close', request: 'Clock' }]);
  });
});

describe('an abandoned task', () => {
  it('is followed by no other one, whatever is said to be allowed', () => {
    const current = attempt({ state: 'abandoned', anotherAllowed: true });
    const seen = observation({ attempts: { count: 1, confirmedFailures: 0, current } });
    expect(decide(observed({ observation: seen }), now).ledger).toEqual([{ kind: 'close', request: 'Verdict' }]);
  });
});

describe('a refused claim', () => {
  const refused = { answer: 'refused', reason: 'OtherContent', blocksOpenOrder: true } as const;

  it('finishes as ClaimRefused without a ledger effect, and removes what blocks an open order', () => {
    const decision = decide(observed({ claim: refused, observation: null }), now);
    expect(decision.ledger).toEqual([]);
    expect(decision.cluster).toEqual([{ kind: 'delete-video-job' }]);
    expect(findCondition(decision.status?.conditions, 'Finished')).toMatchObject({
      status: 'True',
      reason: 'ClaimRefused',
    });
    expect(findCondition(decision.status?.conditions, 'CreditsSettled')).toMatchObject({
      status: 'True',
      reason: 'NoHold',
    });
  });

  it('is looked at again by itself: no row of the ledger knows the object', () => {
    const { requeueAt } = decide(observed({ claim: refused, observation: null }), now);
    expect(requeueAt?.getTime()).toBe(now.getTime() + 5 * 60_000);
  });

  it('is not cancelled, closed or started whatever its spec asks for', () => {
    const decision = decide(
      observed({
        claim: { ...refused, blocksOpenOrder: false },
        observation: null,
        videoJob: videoJob({
          spec: { cancel: true, suspend: true },
          metadata: { deletionTimestamp: '2026-01-01T11:59:30Z' },
        }),
      }),
      now,
    );
    expect(decision.ledger).toEqual([]);
    expect(decision.cluster).toEqual([]);
  });
});

describe('a finished VideoJob', () => {
  const status = decide(
    observed({
      observation: observation({ settled: { outcome: 'captured', reason: 'VideoDelivered', at: now }, video: stored }),
    }),
    now,
  ).status;
  if (status === null) throw new Error('a settled order has a status');

  it('loses its finalizer in the pass after Finished was stored, and nothing else is asked', () => {
    const decision = decide(observed({ videoJob: videoJob({ status }), claim: null, observation: null }), now);
    expect(decision).toMatchObject({ ledger: [], cluster: [{ kind: 'drop-finalizer' }], status: null });
  });

  it('is deleted after its TTL', () => {
    const finished = videoJob({ status, metadata: { finalizers: [] }, spec: { ttlSecondsAfterFinished: 60 } });
    expect(decide(observed({ videoJob: finished, claim: null }), secondsFromNow(59)).cluster).toEqual([]);
    expect(decide(observed({ videoJob: finished, claim: null }), secondsFromNow(61)).cluster).toEqual([
      { kind: 'delete-video-job' },
    ]);
  });

  it('follows its generation and changes nothing else', () => {
    const finished = videoJob({ status, metadata: { finalizers: [], generation: 2 } });
    const after = decide(observed({ videoJob: finished, claim: null }), secondsFromNow(10)).status;
    expect(after).toEqual({
      ...status,
      observedGeneration: 2,
      conditions: status.conditions?.map((condition) => ({ ...condition, observedGeneration: 2 })),
    });
  });

  it('drops the children of a shown video after ten minutes, and those that do not end by themselves after 30 s', () => {
    const finished = videoJob({ status, metadata: { finalizers: [] } });
    const jobs = [job({ ended: 'succeeded' }), job({ name: 'vj-abcdefghijkl-gen-2', uid: 'job-2', execution: 2 })];
    const soon = decide(observed({ videoJob: finished, claim: null, jobs }), secondsFromNow(5));
    expect(soon).toMatchObject({ cluster: [], requeueAt: secondsFromNow(30) });
    expect(decide(observed({ videoJob: finished, claim: null, jobs }), secondsFromNow(60)).cluster).toEqual([
      { kind: 'delete-job', name: 'vj-abcdefghijkl-gen-2', uid: 'job-2' },
    ]);
    expect(decide(observed({ videoJob: finished, claim: null, jobs }), secondsFromNow(601)).cluster).toHaveLength(2);
  });
});

describe('a settled order', () => {
  const settled = observation({ settled: { outcome: 'released', reason: 'ContentRejected', at: now } });

  it('leaves its runner half a minute to end, so that its log and exit code can be read', () => {
    const soon = decide(observed({ observation: settled, jobs: [job()] }), secondsFromNow(1));
    expect(soon).toMatchObject({ cluster: [], requeueAt: secondsFromNow(30) });
    const late = decide(observed({ observation: settled, jobs: [job()] }), secondsFromNow(31));
    expect(late.cluster).toEqual([{ kind: 'delete-job', name: 'vj-abcdefghijkl-gen-1', uid: 'job-1' }]);
  });
});

describe('deletion', () => {
  const deleting = videoJob({ metadata: { deletionTimestamp: '2026-01-01T11:59:30Z' } });

  it('closes the order first and starts nothing', () => {
    const decision = decide(observed({ videoJob: deleting }), now);
    expect(decision.ledger).toEqual([{ kind: 'close', request: 'Deleted' }]);
    expect(decision.cluster).toEqual([]);
  });

  it('starts nothing when the ledger did not close it, and looks again soon', () => {
    const tried = new Set([effectKey({ kind: 'close', request: 'Deleted' })]);
    const open = observation({ generationExecutions: [execution()] });
    const decision = decide(observed({ videoJob: deleting, observation: open }), now, tried);
    expect(decision).toMatchObject({ ledger: [], cluster: [], status: null, requeueAt: secondsFromNow(5) });
  });

  it('drops the finalizer as soon as the order is settled, without an end state', () => {
    const settled = observation({ settled: { outcome: 'released', reason: 'Deleted', at: now } });
    expect(decide(observed({ videoJob: deleting, observation: settled }), now)).toMatchObject({
      cluster: [{ kind: 'drop-finalizer' }],
      status: null,
    });
  });

  it('writes no end state either while somebody else’s finalizer holds the object', () => {
    const held = videoJob({
      metadata: { deletionTimestamp: '2026-01-01T11:59:30Z', finalizers: ['foregroundDeletion'] },
    });
    const settled = observation({ settled: { outcome: 'captured', reason: 'Deleted', at: now }, video: stored });
    expect(decide(observed({ videoJob: held, observation: settled }), now)).toMatchObject({
      cluster: [],
      status: null,
    });
  });

  it('over a stored video reads as captured on an object that was restored', () => {
    const settled = observation({ settled: { outcome: 'captured', reason: 'Deleted', at: now }, video: stored });
    const { status } = decide(observed({ observation: settled }), now);
    expect(status?.settlement?.outcome).toBe('captured');
    const found = (['Generated', 'Delivered', 'CreditsSettled', 'Finished'] as const).map((type) => {
      const condition = findCondition(status?.conditions, type);
      return `${condition?.status} ${condition?.reason}`;
    });
    expect(found).toEqual(['True VideoStored', 'Unknown DeliveryUnconfirmed', 'True CreditsCaptured', 'True Deleted']);
  });
});

describe('cancel', () => {
  const cancelling = videoJob({ spec: { cancel: true } });

  it('asks the ledger while nothing is paid', () => {
    expect(decide(observed({ videoJob: cancelling }), now).ledger).toEqual([{ kind: 'cancel' }]);
  });

  it.each(['intent', 'accepted', 'unknown', 'succeeded'] as const)('is too late once the attempt is %s', (state) => {
    const paid = observation({
      attempts: { count: 1, confirmedFailures: 0, current: attempt({ state }) },
      generationExecutions: [execution()],
    });
    expect(decide(observed({ videoJob: cancelling, observation: paid, jobs: [job()] }), now).ledger).toEqual([]);
  });

  it('is not asked for twice in one pass', () => {
    const tried = new Set([effectKey({ kind: 'cancel' })]);
    expect(decide(observed({ videoJob: cancelling }), now, tried).ledger).not.toContainEqual({ kind: 'cancel' });
  });
});

describe('clocks', () => {
  it('ask for the end when the generation clock is due', () => {
    const due = observation();
    due.clocks.generation = secondsFromNow(-1);
    expect(decide(observed({ observation: due }), now).ledger).toEqual([{ kind: 'close', request: 'Clock' }]);
  });

  it('look again soon, not at once, when the ledger refused to close', () => {
    const due = observation({ generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })] });
    due.clocks.generation = secondsFromNow(-1);
    const decision = decide(
      observed({ observation: due, jobs: [job()] }),
      now,
      new Set([effectKey({ kind: 'close', request: 'Clock' })]),
    );
    expect(decision.ledger).toEqual([]);
    expect(decision.requeueAt).toEqual(secondsFromNow(5));
  });

  it('stand still for a queued order until its own clock', () => {
    const queued = observation({ admittedAt: null, attempts: { count: 0, confirmedFailures: 0, current: null } });
    queued.clocks.generation = secondsFromNow(-1);
    const decision = decide(observed({ observation: queued }), now);
    expect(decision.ledger).toEqual([]);
    expect(findCondition(decision.status?.conditions, 'Generated')).toMatchObject({
      status: 'Unknown',
      reason: 'WaitingForCapacity',
    });
  });
});

describe('generation', () => {
  it('opens the row of an execution before its Job is posted', () => {
    const first = decide(observed(), now);
    expect(first.ledger).toEqual([{ kind: 'open-execution', stage: 'generation', n: 1 }]);
    expect(first.cluster).toEqual([]);
    const second = decide(observed({ observation: observation({ generationExecutions: [execution()] }) }), now);
    expect(second.ledger).toEqual([]);
    expect(second.cluster).toEqual([{ kind: 'post-job', stage: 'generation', execution: 1, remainingSeconds: 1750 }]);
  });

  it('posts the same name again when a never-leased Job is absent, and adopts with the next when it was leased', () => {
    const leased = observation({ generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })] });
    expect(decide(observed({ observation: leased }), now).ledger).toEqual([
      { kind: 'end-execution', stage: 'generation', n: 1, cause: 'Lost' },
    ]);
  });

  it.each([
    ['succeeded', secondsFromNow(-5), 'Completed'],
    ['failed', secondsFromNow(-5), 'Crashed'],
    ['failed', null, 'PodStartFailed'],
  ] as const)('records that a Job %s', (ended, leasedAt, cause) => {
    const running = observation({ generationExecutions: [execution({ leasedAt })] });
    expect(decide(observed({ observation: running, jobs: [job({ ended })] }), now).ledger).toEqual([
      { kind: 'end-execution', stage: 'generation', n: 1, cause },
    ]);
  });

  it('gives a Job of another owner up and takes the next number', () => {
    const running = observation({ generationExecutions: [execution()] });
    expect(decide(observed({ observation: running, jobs: [job({ ours: false })] }), now).ledger).toEqual([
      { kind: 'end-execution', stage: 'generation', n: 1, cause: 'Superseded' },
    ]);
  });

  it('opens the next execution at once after the first crash, and waits after one that never started', () => {
    const crashed = observation({
      generationExecutions: [
        execution({ leasedAt: secondsFromNow(-5), endedAt: secondsFromNow(-1), endCause: 'Crashed' }),
      ],
    });
    expect(decide(observed({ observation: crashed }), now).ledger).toEqual([
      { kind: 'open-execution', stage: 'generation', n: 2 },
    ]);
    const unstarted = observation({
      generationExecutions: [execution({ endedAt: secondsFromNow(-1), endCause: 'PodStartFailed' })],
    });
    const decision = decide(observed({ observation: unstarted }), now);
    expect(decision.ledger).toEqual([]);
    expect(decision.requeueAt).toEqual(secondsFromNow(9));
  });

  it('starts again from a corrected pod template when the pod does not start, and removes the old Job', () => {
    const stuck = observation({ generationExecutions: [execution({ openedAt: secondsFromNow(-40) })] });
    const old = job({ template: 'before' });
    expect(decide(observed({ observation: stuck, jobs: [old], podStartCause: 'ImagePull' }), now).ledger).toEqual([
      { kind: 'end-execution', stage: 'generation', n: 1, cause: 'Superseded' },
    ]);
    const ended = observation({
      generationExecutions: [execution({ endedAt: now, endCause: 'Superseded' }), execution({ n: 2, openedAt: now })],
    });
    expect(decide(observed({ observation: ended, jobs: [old] }), now).cluster).toEqual([
      { kind: 'post-job', stage: 'generation', execution: 2, remainingSeconds: 1750 },
      { kind: 'delete-job', name: old.name, uid: old.uid },
    ]);
  });

  it('leaves a running Job of an older template alone', () => {
    const running = observation({ generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })] });
    expect(decide(observed({ observation: running, jobs: [job({ template: 'before' })] }), now).ledger).toEqual([]);
  });

  it('gives up after the fifth leased execution', () => {
    const five = observation({
      attempts: { count: 1, confirmedFailures: 0, current: attempt({ state: 'accepted', leasedExecutions: 5 }) },
      generationExecutions: [
        execution({ n: 5, leasedAt: secondsFromNow(-20), endedAt: secondsFromNow(-10), endCause: 'Crashed' }),
      ],
    });
    expect(decide(observed({ observation: five }), now).ledger).toEqual([{ kind: 'close', request: 'Verdict' }]);
  });

  it('opens another attempt only where the ledger allows one', () => {
    const failed = (anotherAllowed: boolean) =>
      observation({
        attempts: {
          count: 1,
          confirmedFailures: 1,
          current: attempt({ state: 'failed', failureClass: 'provider-busy', anotherAllowed }),
        },
      });
    expect(decide(observed({ observation: failed(true) }), now).ledger).toEqual([{ kind: 'open-attempt', n: 2 }]);
    expect(decide(observed({ observation: failed(false) }), now).ledger).toEqual([
      { kind: 'close', request: 'Verdict' },
    ]);
  });

  it('begins nothing while suspended, and lets a running execution finish', () => {
    const suspended = videoJob({ spec: { suspend: true } });
    const idle = decide(observed({ videoJob: suspended, observation: observation({ suspended: true }) }), now);
    expect(idle.ledger).toEqual([]);
    expect(idle.cluster).toEqual([]);
    const running = observation({
      suspended: true,
      generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })],
    });
    expect(
      decide(observed({ videoJob: suspended, observation: running, jobs: [job({ ended: 'succeeded' })] }), now).ledger,
    ).toEqual([{ kind: 'end-execution', stage: 'generation', n: 1, cause: 'Completed' }]);
  });
});

describe('suspension', () => {
  const suspended = videoJob({ spec: { suspend: true } });
  const crashed = execution({ leasedAt: secondsFromNow(-5), endedAt: secondsFromNow(-1), endCause: 'Crashed' });

  it('does not post a Job whose row was opened just before', () => {
    const opened = observation({ suspended: true, generationExecutions: [execution()] });
    expect(decide(observed({ videoJob: suspended, observation: opened }), now)).toMatchObject({
      ledger: [],
      cluster: [],
    });
  });

  it.each(['intent', 'unknown', 'accepted'] as const)('lets a task that is %s be followed to its end', (state) => {
    const paid = observation({
      suspended: true,
      attempts: { count: 1, confirmedFailures: 0, current: attempt({ state, leasedExecutions: 1 }) },
      generationExecutions: [crashed],
    });
    expect(decide(observed({ videoJob: suspended, observation: paid }), now).ledger).toEqual([
      { kind: 'open-execution', stage: 'generation', n: 2 },
    ]);
  });
});

describe('delivery', () => {
  const delivering = (change: object = {}) =>
    observation({
      video: stored,
      attempts: { count: 1, confirmedFailures: 0, current: attempt({ state: 'succeeded' }) },
      delivery: { state: 'pending', notBefore: null, leaseUntil: null, editsBegun: 0, editsUnanswered: 0, over: false },
      ...change,
    });

  it('starts from the succeeded row, not from the end of the generation Job', () => {
    const running = delivering({ generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })] });
    expect(decide(observed({ observation: running, jobs: [job()] }), now).ledger).toEqual([
      { kind: 'open-execution', stage: 'delivery', n: 1 },
    ]);
  });

  it('gives each Job its own time, not what is left of the stage', () => {
    const late = delivering({ deliveryExecutions: [execution()] });
    late.clocks.delivery = secondsFromNow(-60);
    const tried = new Set([effectKey({ kind: 'close', request: 'Clock' })]);
    expect(decide(observed({ observation: late }), now, tried).cluster).toEqual([
      { kind: 'post-job', stage: 'delivery', execution: 1, remainingSeconds: 180 },
    ]);
  });

  it('closes the row of a generation Job that is gone', () => {
    const running = delivering({ generationExecutions: [execution({ leasedAt: secondsFromNow(-5) })] });
    expect(decide(observed({ observation: running }), now).ledger).toEqual([
      { kind: 'end-execution', stage: 'generation', n: 1, cause: 'Lost' },
    ]);
  });

  it('is closed when the ledger says that the stage is over', () => {
    const over = delivering();
    if (over.delivery !== null) over.delivery.over = true;
    expect(decide(observed({ observation: over }), now).ledger).toEqual([{ kind: 'close', request: 'DeliveryOver' }]);
  });

  it('waits as long as Telegram asked for', () => {
    const later = delivering({
      deliveryExecutions: [
        execution({ leasedAt: secondsFromNow(-5), endedAt: secondsFromNow(-1), endCause: 'Completed' }),
      ],
    });
    if (later.delivery !== null) later.delivery.notBefore = secondsFromNow(30);
    const decision = decide(observed({ observation: later }), now);
    expect(decision.ledger).toEqual([]);
    expect(decision.requeueAt).toEqual(secondsFromNow(30));
  });
});
