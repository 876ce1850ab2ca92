import { expect, test } from 'vitest';
import { z } from 'zod';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { createVideoJobs } from '../../src/bot/video-jobs.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/error.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log/logger.ts';
import { type Posted, type RelayResult, relayOrders } from '../../src/order/relay.ts';
import { serializeVideoJob } from '../../src/videojob/build.ts';
import { TestLedger } from '../support/ledger.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { aVideoJob } from '../support/videojob.ts';

const log = createLogger({ service: 'test', level: 'silent' });

async function apiServer() {
  const namespace = await createTestNamespace();
  const kube = createKubeClient({ kubeconfig: namespace.kubeconfig, userAgent: 'test' });
  await installVideoJobCrd(kube);
  const release = async (name: string): Promise<void> => {
    await kube.patch(VIDEOJOBS, { namespace: namespace.name, name }, { metadata: { finalizers: null } });
  };
  return { namespace: namespace.name, kube, release, videoJobs: createVideoJobs(kube, namespace.name, log) };
}

async function placedOrder() {
  const ledger = await TestLedger.open();
  const person = await ledger.person();
  const placement = ledger.placement(person);
  await ledger.place(placement);
  const [order] = placement.orders;
  if (order === undefined) throw new Error('no order');
  const due = (): Promise<unknown> => ledger.owner.query('update ledger.orders set relay_due_at = clock_timestamp()');
  const results: RelayResult[] = [];
  const relay = (post: (posted: { orderId: string; videoJob: string }) => Promise<Posted>) =>
    relayOrders({ database: ledger.bot, post, log, onResult: (result) => results.push(result) });
  return { ledger, order, due, relay, results };
}

const stateOf = async (ledger: TestLedger, orderId: string) =>
  z
    .array(z.object({ state: z.string(), reason: z.string().nullable() }))
    .parse(await ledger.rows('select state, reason from ledger.holds where order_id = $1', [orderId]))[0];

test('the exact bytes are posted, and posting them again is a success', async () => {
  const [{ videoJobs, kube, namespace, release }, { order, due, relay, results }] = await Promise.all([
    apiServer(),
    placedOrder(),
  ]);
  await relay(videoJobs.post);
  await due();
  await relay(videoJobs.post);
  expect(results).toEqual(['created', 'exists']);
  const name = `vj-${order.orderId}`;
  const created = await kube.get(VIDEOJOBS, { namespace, name });
  expect(created.spec).toMatchObject({ order: { id: order.orderId, specHash: order.specHash } });
  await release(name);
});

test('an object that took the name with other content is an alarm, never overwritten, and the true one follows it', async () => {
  const [{ videoJobs, kube, namespace, release }, { order, due, relay, results }] = await Promise.all([
    apiServer(),
    placedOrder(),
  ]);
  const { spec, ...squatter } = aVideoJob({ orderId: order.orderId, credits: 999 });
  // It even says that its content is the one that was sold.
  const lie = { ...spec, order: { ...spec.order, specHash: order.specHash } };
  const { metadata } = await kube.create(VIDEOJOBS, namespace, { ...squatter, spec: lie });
  await relay(videoJobs.post);
  expect(results).toEqual(['conflict']);
  const target = { namespace, name: metadata.name };
  expect((await kube.get(VIDEOJOBS, target)).spec).toMatchObject({ order: { credits: 999 } });
  await kube.delete(VIDEOJOBS, target, { uid: metadata.uid });
  await release(metadata.name);
  await due();
  await relay(videoJobs.post);
  expect(results).toEqual(['conflict', 'created']);
  await release(metadata.name);
});

test('a VideoJob that the server will never take gives the credits back at once', async () => {
  const { videoJobs } = await apiServer();
  const { ledger, order, relay, results } = await placedOrder();
  // The same way, with bytes that break a rule of the server.
  const broken = serializeVideoJob({ ...aVideoJob({ orderId: order.orderId }), spec: { ...aVideoJob().spec } });
  await relay(({ orderId }) => videoJobs.post({ orderId, videoJob: broken }));
  expect(results).toEqual(['invalid']);
  expect(await stateOf(ledger, order.orderId)).toEqual({ state: 'released', reason: 'InvalidSpec' });
});

test('a refusal of ours is an alarm and repeated, and an API server that is away is waited for', async () => {
  const { videoJobs } = await apiServer();
  const { ledger, order, due, relay, results } = await placedOrder();
  await relay(({ orderId, videoJob }) => {
    const withUnknownField = { ...z.record(z.string(), z.unknown()).parse(JSON.parse(videoJob)), surprise: 1 };
    return videoJobs.post({ orderId, videoJob: JSON.stringify(withUnknownField) });
  });
  await due();
  await relay(() =>
    Promise.resolve({ kind: 'unavailable', error: new KubeError({ status: 0, reason: 'Network', message: 'away' }) }),
  );
  expect(results).toEqual(['failed', 'failed']);
  expect(await stateOf(ledger, order.orderId)).toEqual({ state: 'held', reason: null });
  // Not due again at once.
  await relay(videoJobs.post);
  expect(results).toHaveLength(2);
});

test('what nobody claimed in time is closed, not posted', async () => {
  const { ledger, order, relay, results } = await placedOrder();
  await ledger.pass(order, 3_601);
  await relay(() => Promise.reject(new Error('it must not be posted')));
  expect(results).toEqual(['overdue']);
  expect(await stateOf(ledger, order.orderId)).toEqual({ state: 'released', reason: 'WaitedTooLong' });
});
