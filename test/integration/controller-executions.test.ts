import { describe, expect, it } from 'vitest';
import { failAttempt, recordProviderState } from '../../src/generation/attempt.ts';
import { type ControllerBench, startControllerBench } from '../support/controller.ts';
import type { TestOrder } from '../support/ledger.ts';
import { waitFor } from '../support/wait.ts';

/** How the executions of the generation have ended, in their order. */
async function ends(bench: ControllerBench, order: TestOrder): Promise<(string | null)[]> {
  return (await bench.ledger.observe(order)).generationExecutions.map(({ endCause }) => endCause);
}

async function endsAre(bench: ControllerBench, order: TestOrder, expected: (string | null)[]): Promise<void> {
  await waitFor(async () => JSON.stringify(await ends(bench, order)) === JSON.stringify(expected), {
    what: `the executions to have ended ${JSON.stringify(expected)}`,
  });
}

describe('a Job that is gone', () => {
  it('before its pod took the lease is posted again under the same name', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    const first = await bench.job(order, 'gen', 1);
    await bench.removeJob(first);
    await waitFor(async () => (await bench.job(order, 'gen', 1)).metadata.uid !== first.metadata.uid, {
      what: 'the same name again',
    });
    expect(await ends(bench, order)).toEqual([null]);
  });

  it('after that is followed by an execution that adopts the attempt', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    const first = await bench.job(order, 'gen', 1);
    await bench.ledger.accepted(order, 1);
    await bench.removeJob(first);
    await bench.job(order, 'gen', 2);
    await endsAre(bench, order, ['Lost', null]);
    const seen = await bench.ledger.observe(order);
    expect(seen.attempts).toMatchObject({ count: 1, current: { n: 1, state: 'accepted' } });
  });
});

describe('a pod that fails', () => {
  it('after it took the lease has crashed, and the next execution follows at once', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.accepted(order, 1);
    await bench.play(order, 'gen', 1, { phase: 'Failed' });
    await bench.job(order, 'gen', 2);
    await endsAre(bench, order, ['Crashed', null]);
  });

  it('for the fifth time ends the order, and its task is abandoned', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    for (const n of [1, 2, 3, 4, 5]) {
      await bench.job(order, 'gen', n);
      if (n === 1) await bench.ledger.accepted(order, n);
      else await bench.ledger.leased(order, n);
      await bench.play(order, 'gen', n, { phase: 'Failed' });
      await waitFor(async () => (await ends(bench, order))[n - 1] === 'Crashed', { what: `the end of execution ${n}` });
      // The pause before the next one grows.
      await bench.ledger.pass(order, 61);
      await bench.nudge(order);
    }
    await bench.condition(order, 'Finished', 'GenerationFailed');
    expect((await bench.ledger.observe(order)).attempts.current?.state).toBe('abandoned');
    expect(await bench.conditions(order)).toMatchObject({ CreditsSettled: 'True CreditsRefunded' });
  });

  it('before it took the lease is tried again after a while, and uses nothing up', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.play(order, 'gen', 1, { phase: 'Failed' });
    await endsAre(bench, order, ['PodStartFailed']);
    const [first] = (await bench.ledger.observe(order)).generationExecutions;
    await bench.job(order, 'gen', 2);
    const second = await bench.execution(order);
    const pause = (second?.openedAt.getTime() ?? 0) - (first?.endedAt?.getTime() ?? 0);
    expect(pause).toBeGreaterThanOrEqual(10_000);
    expect(pause).toBeLessThan(15_000);
    expect((await bench.ledger.observe(order)).attempts.current?.leasedExecutions).toBe(0);
  });
});

describe('an attempt that failed for certain', () => {
  it('is followed by the next one, which is not paid before a while, and the last one ends the order', async () => {
    const bench = await startControllerBench();
    const order = await bench.order({ generation: { provider: 'kie', model: 'model/1', maxAttempts: 2 } });
    await bench.job(order, 'gen', 1);
    const { lease } = await bench.ledger.accepted(order, 1);
    await recordProviderState(bench.ledger.runner, lease.attemptId, lease.fence, 'generating');
    await failAttempt(bench.ledger.runner, lease.attemptId, lease.fence, 'provider-internal', 'the provider failed');
    await waitFor(async () => (await bench.ledger.observe(order)).attempts.current?.n === 2, { what: 'attempt 2' });
    await bench.condition(order, 'Generated', 'GenerationRetryPending');
    expect(await bench.status(order)).toMatchObject({ attempts: 2, lastFailure: { reason: 'GenerationFailed' } });
    await bench.play(order, 'gen', 1, { phase: 'Succeeded' });
    await bench.job(order, 'gen', 2);
    expect((await bench.ledger.observe(order)).attempts.current?.notBefore).not.toBeNull();
    await bench.ledger.pass(order, 30);
    const second = await bench.ledger.accepted(order, 2);
    await failAttempt(bench.ledger.runner, second.lease.attemptId, second.lease.fence, 'provider-internal', 'again');
    await bench.condition(order, 'Finished', 'GenerationFailed');
    expect((await bench.ledger.observe(order)).attempts).toMatchObject({ count: 2, confirmedFailures: 2 });
  });

  it('because of the photo ends the order at once, with the reason', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    const { lease } = await bench.ledger.accepted(order, 1);
    await failAttempt(bench.ledger.runner, lease.attemptId, lease.fence, 'user-person', 'a person in the photo');
    await bench.condition(order, 'Finished', 'ContentRejected');
    expect(await bench.conditions(order)).toEqual({
      Generated: 'False ContentRejected',
      Delivered: 'False NotAttempted',
      CreditsSettled: 'True CreditsRefunded',
      Finished: 'True ContentRejected',
    });
    expect((await bench.status(order)).settlement?.outcome).toBe('released');
  });
});

describe('a pod that does not start', () => {
  const waiting = (reason: string) => ({
    phase: 'Pending',
    containerStatuses: [
      {
        name: 'runner',
        image: 'neurocards:test',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason } },
      },
    ],
  });
  const unscheduled = {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }],
  };

  it.each([
    ['ImagePull', waiting('ImagePullBackOff')],
    ['Config', waiting('CreateContainerConfigError')],
    ['Unschedulable', unscheduled],
  ])('is told of with the cause %s after half a minute', async (cause, status) => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.play(order, 'gen', 1, status);
    await bench.condition(order, 'Generated', 'GenerationRunning');
    await bench.ledger.pass(order, 31);
    await bench.nudge(order);
    await bench.condition(order, 'Generated', 'PodStartPending');
    const { conditions = [] } = await bench.status(order);
    expect(conditions.find(({ type }) => type === 'Generated')?.message).toMatch(new RegExp(`^${cause}: `));
    await waitFor(async () => (await bench.events(order)).includes('PodStartPending'), { what: 'the event' });
    await bench.ledger.accepted(order, 1);
    await bench.condition(order, 'Generated', 'GenerationRunning');
  });

  it('because of a quota is told of too, and the status is written though the Job is refused', async () => {
    const bench = await startControllerBench();
    await bench.quota({ 'count/jobs.batch': '0' });
    const placed = await bench.placed();
    const order = await bench.relayed(placed);
    await bench.condition(order, 'Finished', 'Generating');
    expect(Object.keys(await bench.conditions(order))).toHaveLength(4);
    expect(await bench.jobs()).toEqual([]);
    await bench.ledger.pass(order, 31);
    await bench.nudge(order);
    await bench.condition(order, 'Generated', 'PodStartPending');
    await bench.quota(null);
    await bench.nudge(order);
    await bench.job(order, 'gen', 1);
    expect(await ends(bench, order)).toEqual([null]);
  });
});

describe('suspension', () => {
  it('keeps a queued order from starting, stops its clocks, and lets it go on', async () => {
    const bench = await startControllerBench();
    const placed = await bench.placed();
    const order = await bench.relayed(placed);
    await bench.job(order, 'gen', 1);
    await bench.change(order, { spec: { suspend: true } });
    await bench.condition(order, 'Finished', 'Suspended');
    expect((await bench.ledger.observe(order)).clocks).toMatchObject({ generation: null, queue: null, delivery: null });
    await bench.play(order, 'gen', 1, { phase: 'Failed' });
    await endsAre(bench, order, ['PodStartFailed']);
    await bench.condition(order, 'Generated', 'Suspended');
    await bench.ledger.pass(order, 3000);
    await bench.nudge(order);
    await bench.change(order, { spec: { suspend: false } });
    await bench.job(order, 'gen', 2);
    await bench.condition(order, 'Finished', 'Generating');
    const { clocks, now } = await bench.ledger.observe(order);
    expect((clocks.generation?.getTime() ?? 0) - now.getTime()).toBeGreaterThan(1_700_000);
  });

  it('lets a paid task be followed to its end by the next execution', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.accepted(order, 1);
    await bench.change(order, { spec: { suspend: true } });
    await bench.condition(order, 'Finished', 'Suspended');
    await bench.play(order, 'gen', 1, { phase: 'Failed' });
    await bench.job(order, 'gen', 2);
    const lease = await bench.ledger.leased(order, 2);
    await bench.ledger.stored(lease);
    // The border of the stage: the delivery waits.
    await bench.condition(order, 'Delivered', 'Suspended');
    expect(await bench.jobs()).not.toContain(`vj-${order.orderId}-dlv-1`);
    await bench.change(order, { spec: { suspend: false } });
    await bench.job(order, 'dlv', 1);
  });
});
