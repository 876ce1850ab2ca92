import { describe, expect, it } from 'vitest';
import { recordShown } from '../../src/delivery/delivery.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { startControllerBench } from '../support/controller.ts';
import { waitFor } from '../support/wait.ts';

describe('deleting a VideoJob', () => {
  it('before anything was paid gives the credits back and takes its Job with it', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.remove(order);
    await bench.gone(order);
    expect((await bench.ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'Deleted' });
    await waitFor(async () => (await bench.jobs()).length === 0, { what: 'the end of the Job' });
  });

  it('over a task that runs gives them back, and the task is followed', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.accepted(order, 1);
    await bench.remove(order);
    await bench.gone(order);
    const seen = await bench.ledger.observe(order);
    expect(seen.settled).toMatchObject({ outcome: 'released', reason: 'Deleted' });
    expect(seen.attempts.current?.state).toBe('abandoned');
  });

  it('over a stored video captures, and leaves it to the bot', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.succeeded(order, 1);
    await bench.remove(order);
    await bench.gone(order);
    const seen = await bench.ledger.observe(order);
    expect(seen.settled).toMatchObject({ outcome: 'captured', reason: 'Deleted' });
    expect(seen.delivery?.state).toBe('waiting');
  });

  it.each(['that waits in the queue', 'that is suspended'])('%s is let go as well', async (which) => {
    const bench = await startControllerBench();
    if (which.includes('queue')) await bench.ledger.admin.query("select ledger.set_setting('live_attempt_limit', '0')");
    const order = await bench.order();
    if (which.includes('suspended')) {
      await bench.change(order, { spec: { suspend: true } });
      await bench.condition(order, 'Finished', 'Suspended');
    } else {
      await bench.condition(order, 'Finished', 'WaitingForCapacity');
    }
    await bench.remove(order);
    await bench.gone(order);
    expect((await bench.ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'Deleted' });
  });

  it('that has finished moves nothing', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.succeeded(order, 1);
    await bench.job(order, 'dlv', 1);
    const { nonce } = await bench.ledger.editing(order, 1);
    await recordShown(bench.ledger.runner, order.orderId, nonce, { messageId: 1, fileId: null });
    await bench.condition(order, 'Finished', 'VideoDelivered');
    await bench.remove(order);
    await bench.gone(order);
    expect((await bench.ledger.observe(order)).settled).toMatchObject({
      outcome: 'captured',
      reason: 'VideoDelivered',
    });
  });

  it('whose finalizer was stripped closes the order after a second look', async () => {
    const bench = await startControllerBench({ confirmMissingMs: 1_000 });
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.change(order, { metadata: { finalizers: null } });
    await bench.remove(order);
    await waitFor(async () => (await bench.ledger.observe(order)).settled, { what: 'the end of the order' });
    expect((await bench.ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'Deleted' });
    expect(bench.lines.some((line) => line.includes('is gone; the order was closed as deleted'))).toBe(true);
  });
});

describe('the time to live', () => {
  it('of a finished VideoJob deletes it, and the books stay', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await closeOrder(bench.ledger.admin, order.orderId, null, 'Forfeit');
    await bench.condition(order, 'Finished', 'Cancelled');
    await bench.change(order, { spec: { ttlSecondsAfterFinished: 2 } });
    await bench.gone(order);
    expect((await bench.ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'Cancelled' });
  });

  it('means nothing while the order is open', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.change(order, { spec: { ttlSecondsAfterFinished: 0 } });
    await waitFor(async () => (await bench.status(order)).observedGeneration === 2, { what: 'the new generation' });
    expect(await bench.object(order)).toBeDefined();
  });
});

describe('spec.cancel', () => {
  it('gives the credits back while nothing was paid', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.change(order, { spec: { cancel: true } });
    await bench.condition(order, 'Finished', 'Cancelled');
    expect(await bench.conditions(order)).toMatchObject({ CreditsSettled: 'True CreditsRefunded' });
  });

  it('is too late over a task that runs, and the order goes on', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    const { lease } = await bench.ledger.accepted(order, 1);
    await bench.change(order, { spec: { cancel: true } });
    await waitFor(async () => (await bench.status(order)).observedGeneration === 2, { what: 'the new generation' });
    await bench.ledger.stored(lease);
    await bench.job(order, 'dlv', 1);
    expect((await bench.ledger.observe(order)).settled).toBeNull();
  });
});

describe('a clock', () => {
  it.each([
    ['PodStartFailed', 1801, 'nothing'],
    ['ProviderUnavailable', 1801, 'leased'],
    ['ProviderOutcomeUnknown', 1801, 'submitting'],
    ['GenerationDeadlineExceeded', 1801, 'accepted'],
  ] as const)('that ran out ends the order as %s', async (reason, seconds, found) => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    if (found === 'leased') await bench.ledger.leased(order, 1);
    else if (found !== 'nothing') await bench.ledger[found](order, 1);
    await bench.ledger.pass(order, seconds);
    await bench.nudge(order);
    await bench.condition(order, 'Finished', reason);
    expect(await bench.conditions(order)).toMatchObject({ CreditsSettled: 'True CreditsRefunded' });
  });

  it('of the queue ends an order that was never admitted', async () => {
    const bench = await startControllerBench();
    await bench.ledger.admin.query("select ledger.set_setting('live_attempt_limit', '0')");
    const order = await bench.order();
    await bench.condition(order, 'Finished', 'WaitingForCapacity');
    await bench.ledger.pass(order, 3601);
    await bench.nudge(order);
    await bench.condition(order, 'Finished', 'WaitedTooLong');
    expect(await bench.jobs()).toEqual([]);
  });

  it('of the delivery captures over an edit without an answer, and not before three executions', async () => {
    const bench = await startControllerBench();
    const order = await bench.order();
    await bench.job(order, 'gen', 1);
    await bench.ledger.succeeded(order, 1);
    for (const n of [1, 2, 3]) {
      await bench.job(order, 'dlv', n);
      if (n === 1) await bench.ledger.editing(order, n);
      await bench.ledger.pass(order, 901);
      await bench.nudge(order);
      expect((await bench.ledger.observe(order)).settled).toBeNull();
      await bench.play(order, 'dlv', n, { phase: 'Failed' });
      await waitFor(async () => (await bench.ledger.observe(order)).deliveryExecutions[n - 1]?.endedAt, {
        what: `the end of delivery ${n}`,
      });
      await bench.ledger.pass(order, 400);
      await bench.nudge(order);
    }
    await bench.condition(order, 'Finished', 'DeliveryUnconfirmed');
    expect(await bench.conditions(order)).toEqual({
      Generated: 'True VideoStored',
      Delivered: 'Unknown DeliveryUnconfirmed',
      CreditsSettled: 'True CreditsCaptured',
      Finished: 'True DeliveryUnconfirmed',
    });
  });
});

it('the children of a shown video go after ten minutes, of a failed order with the object', async () => {
  const bench = await startControllerBench();
  const failed = await bench.order();
  await bench.play(failed, 'gen', 1, { phase: 'Succeeded' });
  await closeOrder(bench.ledger.admin, failed.orderId, null, 'Forfeit');
  await bench.condition(failed, 'Finished', 'Cancelled');
  await waitFor(async () => (await bench.object(failed))?.metadata.finalizers === undefined, { what: 'no finalizer' });
  expect(await bench.jobs()).toEqual([`vj-${failed.orderId}-gen-1`]);
  await bench.remove(failed);
  await waitFor(async () => (await bench.jobs()).length === 0, { what: 'the end of the child' });
});
