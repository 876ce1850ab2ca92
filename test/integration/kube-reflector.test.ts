import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../dev/control-plane/plane.ts';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createWorkQueue } from '../../src/kube/queue.ts';
import { createReflector } from '../../src/kube/reflector.ts';
import { keyOf, splitKey, VIDEOJOBS } from '../../src/kube/resources.ts';
import { runWorkers } from '../../src/kube/workers.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { aVideoJob } from '../support/videojob.ts';
import { waitFor } from '../support/wait.ts';

// A control plane of its own, because its API server is stopped here.
const namespace = 'default';
const log = createLogger({ service: 'test', level: 'silent' });
let directory: string;
let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'neurocards-reflector-'));
  plane = await startControlPlane({ directory, unsafeNoFsync: true });
  client = createKubeClient({ kubeconfig: plane.kubeconfig, userAgent: 'neurocards-test' });
  await installVideoJobCrd(client);
}, 180_000);

afterAll(async () => {
  await client?.close();
  await plane?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Without a finalizer, so that it can be deleted without a controller. */
function plainJob(orderId?: string) {
  const manifest = aVideoJob(orderId === undefined ? {} : { orderId });
  return { ...manifest, metadata: { ...manifest.metadata, finalizers: [] } };
}

function reflect() {
  const changes: string[] = [];
  const metrics = createMetrics({ processMetrics: false });
  const reflector = createReflector({
    client,
    resource: VIDEOJOBS,
    namespace,
    log,
    metrics,
    onChange: ({ metadata }, change) => changes.push(`${change} ${metadata.name} ${metadata.uid}`),
    backoff: { initialMs: 200, maxMs: 2_000 },
  });
  const start = () => {
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    return async () => {
      stop.abort();
      await running;
    };
  };
  return { reflector, changes, metrics, start };
}

/** Name and version of everything the API server has, page by page. */
async function truth(): Promise<string[]> {
  const all: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.list(VIDEOJOBS, { namespace, limit: 500, continue: token });
    all.push(...page.items.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`));
    token = page.continue;
  } while (token !== undefined);
  return all.toSorted();
}

const cached = (reflector: ReturnType<typeof reflect>['reflector']) =>
  reflector.store
    .list()
    .map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`)
    .toSorted();

test('an object deleted and made again while nobody watched is told as deleted and added', async () => {
  const { reflector, changes, start } = reflect();
  const first = await client.create(VIDEOJOBS, namespace, plainJob());
  const target = { namespace, name: first.metadata.name };
  const stop = start();
  await reflector.synced;
  await stop();
  await client.delete(VIDEOJOBS, target, { uid: first.metadata.uid });
  const second = await client.create(VIDEOJOBS, namespace, plainJob(first.metadata.name.slice(3)));
  onTestFinished(start());
  await waitFor(() => reflector.store.get(keyOf(second))?.metadata.uid === second.metadata.uid, {
    what: 'the new object',
  });
  expect(changes.filter((one) => one.includes(target.name))).toEqual([
    `added ${target.name} ${first.metadata.uid}`,
    `deleted ${target.name} ${first.metadata.uid}`,
    `added ${target.name} ${second.metadata.uid}`,
  ]);
});

test('a burst of 1,500 creates with a watch and workers ends with every object worked on, in the cache as it is', async () => {
  const { reflector, start } = reflect();
  onTestFinished(start());
  await reflector.synced;
  const before = reflector.store.size;
  const queue = createWorkQueue({ name: 'test' });
  const follower = createReflector({
    client,
    resource: VIDEOJOBS,
    namespace,
    log,
    onChange: (object) => queue.add(keyOf(object)),
  });
  const end = new AbortController();
  const following = follower.run(end.signal);
  // Each pass writes a status once, as a controller does, so every object comes through the watch twice.
  const workers = runWorkers({
    queue,
    count: 8,
    log,
    pass: async (key) => {
      const object = follower.store.get(key);
      if (object === undefined || object.status !== undefined || follower.store.staleForMs(object) !== undefined)
        return undefined;
      const { resourceVersion } = object.metadata;
      const patch = { metadata: { resourceVersion }, status: { attempts: 1 } };
      follower.store.wrote(await client.patch(VIDEOJOBS, splitKey(key), patch, { subresource: 'status' }));
      return undefined;
    },
  });
  await follower.synced;
  await Promise.all(
    Array.from({ length: 1_500 }, () => client.create(VIDEOJOBS, namespace, plainJob(), { timeoutMs: 60_000 })),
  );
  await waitFor(() => reflector.store.list().filter(({ status }) => status !== undefined).length === before + 1_500, {
    what: 'every object with a status',
    within: 60_000,
  });
  await queue.shutDownWithDrain();
  await workers;
  end.abort();
  await following;
  expect(cached(reflector)).toEqual(await truth());
  const firstPage = await client.list(VIDEOJOBS, { namespace, limit: 500 });
  expect(firstPage.continue, 'the cache was listed in pages').toBeTypeOf('string');
}, 180_000);

test('an API server that stops and comes back is followed again, and nothing that changed meanwhile is lost', async () => {
  const { reflector, changes, metrics, start } = reflect();
  onTestFinished(start());
  await reflector.synced;
  const [victim, witness] = reflector.store.list();
  if (victim === undefined || witness === undefined) throw new Error('The burst before left no objects.');
  await plane.stopProcess('kube-apiserver');
  await waitFor(async () => /watch_restarts_total.*reason="network"} [1-9]/.test(await metrics.text()), {
    what: 'the broken watch',
  });
  expect(reflector.store.get(keyOf(witness)), 'the cache outlives the outage').toBe(witness);
  await plane.startProcess('kube-apiserver');
  const target = (name: string) => ({ namespace, name });
  await waitFor(
    () => client.delete(VIDEOJOBS, target(victim.metadata.name), { uid: victim.metadata.uid }).then(() => true),
    {
      what: 'the API server to serve VideoJobs',
    },
  );
  await client.patch(VIDEOJOBS, target(witness.metadata.name), { spec: { suspend: true } });
  const made = await client.create(VIDEOJOBS, namespace, plainJob());
  await waitFor(() => reflector.store.get(keyOf(made)) !== undefined, { what: 'the object made after the outage' });
  await waitFor(async () => cached(reflector).join() === (await truth()).join(), { what: 'a true cache' });
  expect(changes).toContain(`deleted ${victim.metadata.name} ${victim.metadata.uid}`);
}, 180_000);
