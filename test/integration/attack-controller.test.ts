import { afterEach, expect, inject, it, onTestFinished, vi } from 'vitest';

import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { watchMissingObjects } from '../../src/controller/missing.ts';
import { type PassTools, pass } from '../../src/controller/pass.ts';
import { watchTerminatingJobs } from '../../src/controller/terminating.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { keyOf, type StoredVideoJob, VIDEOJOBS } from '../../src/kube/resources.ts';
import type { PassResult } from '../../src/kube/workers.ts';
import { createLogger } from '../../src/log/logger.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { TestLedger } from '../support/ledger.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

const template = { metadata: { labels: {}, annotations: {} }, spec: { containers: [] } };

/** A controller's passes over one order whose VideoJob is on a real API server; `see` is what its cache makes of the object. */
async function controlled(see: (object: StoredVideoJob) => StoredVideoJob = (object) => object) {
  const [ledger, namespace] = await Promise.all([TestLedger.open(), createTestNamespace()]);
  const kube = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'test' });
  onTestFinished(() => kube.close());
  await installVideoJobCrd(kube);
  const log = createLogger({ service: 'controller', level: 'silent' });
  const placement = ledger.placement(await ledger.person());
  await ledger.place(placement);
  const [placed] = placement.orders;
  if (placed === undefined) throw new Error('a placement without an order');
  const { orderId, specHash, videoJob } = placed;
  const post = (): Promise<StoredVideoJob> => kube.create(VIDEOJOBS, namespace.name, videoJob);
  const object = await post();
  await claimOrder(ledger.controller, orderId, object.metadata.uid, specHash);
  const target = { namespace: namespace.name, name: object.metadata.name };
  let cached: StoredVideoJob | undefined;
  const tools: PassTools = {
    database: ledger.controller,
    macKey: 'not the key of the orders',
    kube,
    log,
    templates: { generate: template, deliver: template },
    store: {
      get: () => (cached === undefined ? undefined : see(cached)),
      list: () => [],
      byIndex: () => [],
      size: 0,
      wrote: () => undefined,
      staleForMs: () => undefined,
      outdated: () => undefined,
    },
    missing: watchMissingObjects(ledger.controller, log),
    terminating: watchTerminatingJobs(),
    cachedJobs: () => [],
    rememberWritten: () => undefined,
    rememberOutdated: () => undefined,
    recordEvents: () => undefined,
    onClaimRefused: () => undefined,
    onStale: () => undefined,
  };
  return {
    ledger,
    kube,
    target,
    orderId,
    post,
    find: () => kube.find(VIDEOJOBS, target),
    remove: () => kube.delete(VIDEOJOBS, target, { uid: object.metadata.uid }),
    async pass(): Promise<PassResult | undefined> {
      cached = await kube.find(VIDEOJOBS, target);
      return pass(keyOf(object), tools);
    },
    settled: async () => (await ledger.observe({ orderId })).settled,
  };
}

afterEach(() => vi.useRealTimers());

it('an order whose VideoJob was replaced by another one of its name ends as deleted', async () => {
  const world = await controlled();
  await world.kube.patch(VIDEOJOBS, world.target, { metadata: { finalizers: null } });
  await world.remove();
  await world.post();
  await world.pass();
  expect((await world.pass())?.requeueAfterMs).toBe(60_000);
  expect(await world.settled()).toBeNull();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 });
  await world.pass();
  expect(await world.settled()).toMatchObject({ outcome: 'released', reason: 'Deleted' });
});

it.each(['its own', 'of an order nobody knows'])(
  'a VideoJob that cannot be read (%s) can be deleted, and its order ends',
  async (whose) => {
    const world = await controlled((object) => ({ ...object, spec: { of: 'a later version' } }));
    if (whose !== 'its own') {
      await world.ledger.superuser.query(
        "set session_replication_role = 'replica'; update ledger.orders set claimed_by = 'another'",
      );
    }
    await world.remove();
    await waitFor(
      async () => {
        await world.pass();
        return (await world.find()) === undefined;
      },
      { what: 'the object to go', within: 5_000 },
    );
    expect((await world.settled())?.reason).toBe(whose === 'its own' ? 'Deleted' : undefined);
  },
);
