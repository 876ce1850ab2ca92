import { expect, it } from 'vitest';
import { recordShown } from '../../src/delivery/delivery.ts';
import { startControllerBench } from '../support/controller.ts';
import { waitFor } from '../support/wait.ts';

it('an order goes the whole way with few writes, few events and every condition from the first write on', async () => {
  const bench = await startControllerBench();
  const order = await bench.order();
  const generation = await bench.job(order, 'gen', 1);
  expect(generation.metadata).toMatchObject({
    labels: { 'neurocards.io/order': order.orderId, 'neurocards.io/execution': '1' },
    ownerReferences: [{ uid: order.uid, blockOwnerDeletion: false, controller: true }],
  });
  expect(generation.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: expect.any(Number) });
  const pod = await bench.pod(order, 'gen', 1);
  expect(pod.spec).toMatchObject({
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 90,
  });
  await bench.condition(order, 'Finished', 'Generating');
  const [first] = bench.writes.filter(({ what }) => what === 'patch videojobs/status');
  expect(first?.body).toMatchObject({ status: { conditions: [{}, {}, {}, {}], executions: 1, attempts: 1 } });

  await bench.play(order, 'gen', 1, { phase: 'Running' });
  const lease = await bench.ledger.accepted(order, 1);
  await waitFor(async () => (await bench.status(order)).providerTaskID === `task-${lease.nonce}`, {
    what: 'the task in the status',
  });
  await bench.ledger.stored(lease.lease);
  // The row starts the delivery, not the end of the pod.
  await bench.job(order, 'dlv', 1);
  await bench.play(order, 'gen', 1, { phase: 'Succeeded' });
  await bench.condition(order, 'Generated', 'VideoStored');
  await bench.condition(order, 'Finished', 'Delivering');
  await waitFor(async () => (await bench.ledger.observe(order)).generationExecutions[0]?.endCause === 'Completed', {
    what: 'the end of the generation row',
  });

  const { nonce } = await bench.ledger.editing(order, 1);
  await recordShown(bench.ledger.runner, order.orderId, nonce, { messageId: 1, fileId: null });
  await bench.condition(order, 'Finished', 'VideoDelivered');
  expect(await bench.conditions(order)).toEqual({
    Generated: 'True VideoStored',
    Delivered: 'True VideoDelivered',
    CreditsSettled: 'True CreditsCaptured',
    Finished: 'True VideoDelivered',
  });
  await waitFor(async () => (await bench.object(order))?.metadata.finalizers === undefined, { what: 'no finalizer' });
  await bench.play(order, 'dlv', 1, { phase: 'Succeeded' });
  expect(await bench.status(order)).toMatchObject({
    settlement: { outcome: 'captured' },
    attempts: 1,
    executions: 1,
    deliveryExecutions: 1,
    generationMode: 'Pod',
    video: { width: 720 },
  });
  expect((await bench.status(order)).activeJobName).toBeUndefined();

  await waitFor(async () => (await bench.events(order)).includes('CreditsCaptured'), { what: 'the last event' });
  const events = await bench.events(order);
  expect(events.length).toBeLessThanOrEqual(8);
  expect(events[0]).toBe('OrderClaimed');
  const count = (what: string) => bench.writes.filter((write) => write.what === what).length;
  expect(count('create jobs')).toBe(2);
  expect(count('patch videojobs')).toBe(1);
  expect(count('patch videojobs/status')).toBeLessThanOrEqual(6);
  expect(count('delete jobs')).toBe(0);

  // As the audit counts them.
  const text = await waitFor(
    async () => {
      const scraped = await bench.metrics.text();
      return scraped.includes('neurocards_ledger_violations{') && scraped;
    },
    { what: 'the first audit' },
  );
  expect(text).toContain('neurocards_videojobs{reason="VideoDelivered"} 1');
  expect(text).toMatch(/neurocards_order_oldest_open_seconds\{stage="generation"\} 0/);
  expect(text).toContain('neurocards_order_oldest_unsettled_seconds 0');
  expect(text).toMatch(/neurocards_ledger_violations\{invariant="\w+"\} 0/);
  expect(text).not.toMatch(/neurocards_ledger_violations\{[^}]*\} [1-9]/);
  expect(text).toMatch(/workqueue_adds_total\{name="videojobs"\} [1-9]/);
  expect(text).toMatch(/neurocards_ledger_credits\{kind="captured"\} 1/);
  expect(bench.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
