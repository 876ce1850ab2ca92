import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { z } from 'zod';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { MARK_NAME } from '../../src/audit/mark-store.ts';
import { lead } from '../../src/controller/lead.ts';
import { createMemory } from '../../src/controller/memory.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { EVENTS, JOBS, type Job, PODS, type Pod, type StoredVideoJob, VIDEOJOBS } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createKieProvider } from '../../src/provider/kie/provider.ts';
import { createFileStorage } from '../../src/storage/files.ts';
import type { VideoJobInput } from '../../src/videojob/build.ts';
import { findCondition } from '../../src/videojob/conditions.ts';
import { videoJobName } from '../../src/videojob/names.ts';
import { parseVideoJobStatus } from '../../src/videojob/parse.ts';
import type { ConditionType, VideoJobStatus } from '../../src/videojob/schema.ts';
import { TestLedger, type TestOrder, type TestPerson } from './ledger.ts';
import { createTestNamespace } from './namespace.ts';
import { waitFor } from './wait.ts';

/** A write of the controller, as `verb plural` with `/status` where it was one. */
type Write = { readonly what: string; readonly body: unknown };

export type ControllerBench = Awaited<ReturnType<typeof startControllerBench>>;

/**
 * A leading controller in this process, over a real API server and PostgreSQL, in a namespace of its own without any node: the
 * test plays pods by their status, and runners by the ledger's functions.
 */
export async function startControllerBench({
  confirmMissingMs,
  auditEveryMs,
  macKey = 'not the key of the orders',
  beforeWrite,
}: {
  confirmMissingMs?: number;
  auditEveryMs?: number;
  /** The key that the controller takes the bot to sign with; the orders of tests are signed with `test`. */
  macKey?: string;
  /** Called before every write of the controller, for whoever wants to be faster. */
  beforeWrite?: (write: Write, kube: KubeClient) => Promise<void>;
} = {}) {
  const [ledger, namespace, directory] = await Promise.all([
    TestLedger.open(),
    createTestNamespace(),
    mkdtemp(join(tmpdir(), 'neurocards-controller-')),
  ]);
  const kube = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
  await installVideoJobCrd(kube);
  const writes: Write[] = [];
  const metrics = createMetrics({ processMetrics: false });
  const lines: string[] = [];
  const log = createLogger(
    { service: 'controller', level: 'info' },
    { write: (line: string) => void lines.push(line) },
  );
  const memory = createMemory({ kube, target: { namespace: namespace.name, name: MARK_NAME }, log });
  const database = createPool(ledger.controllerUrl, {
    applicationName: 'test-lead',
    max: 6,
    onConnect: async (connection) => void (await memory.check(connection)),
  });
  const leading = new AbortController();
  const watched = watchedClient(kube, async (write) => {
    await beforeWrite?.(write, kube);
    writes.push(write);
  });
  const template = podTemplate(namespace.name);
  const leader = {
    env: {
      NEUROCARDS_DATABASE_URL: ledger.controllerUrl,
      NEUROCARDS_NAMESPACE: namespace.name,
      NEUROCARDS_POD_TEMPLATES: '',
      NEUROCARDS_STORAGE_DIRECTORY: directory,
      NEUROCARDS_HTTP_ADDRESS: { host: '127.0.0.1', port: 0 },
      NEUROCARDS_MAC_KEY: macKey,
      NEUROCARDS_KIE_API_KEY: 'none',
      NEUROCARDS_KIE_BASE_URL: 'http://127.0.0.1:1',
      NEUROCARDS_KIE_UPLOAD_URL: 'http://127.0.0.1:1',
      NEUROCARDS_WORKERS: 4,
      NEUROCARDS_LOG_LEVEL: 'info' as const,
    },
    kube: watched,
    database,
    memory,
    templates: { generate: template, deliver: template },
    provider: createKieProvider({ baseUrl: 'http://127.0.0.1:1', uploadUrl: 'http://127.0.0.1:1', apiKey: 'none' }),
    storage: createFileStorage(directory),
    metrics,
    log,
    identity: 'test-controller',
    ...(confirmMissingMs === undefined ? {} : { confirmMissingMs }),
    ...(auditEveryMs === undefined ? {} : { auditEveryMs }),
    synced: false,
  };
  const running = lead(leader, leading.signal);
  running.catch(() => undefined);
  onTestFinished(async () => {
    leading.abort();
    await running.catch(() => undefined);
    await database.end();
    await kube.close();
    await rm(directory, { recursive: true, force: true });
  });
  await waitFor(() => leader.synced, { what: 'the controller to have listed' });

  const at = (name: string) => ({ namespace: namespace.name, name });
  const nameOf = (order: TestOrder, stage: 'gen' | 'dlv', n: number): string =>
    `${videoJobName(order.orderId)}-${stage}-${n}`;

  return {
    ledger,
    kube,
    namespace: namespace.name,
    writes,
    lines,
    metrics,
    templates: leader.templates,
    /** Limits what the namespace takes; null lifts it. */
    async quota(hard: Record<string, string> | null): Promise<void> {
      const path = `/api/v1/namespaces/${namespace.name}/resourcequotas`;
      if (hard === null) {
        await kube.transport.call({ verb: 'DELETE', path: `${path}/limit` });
        return;
      }
      const body = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'limit' }, spec: { hard } };
      await kube.transport.call({ verb: 'POST', path, body: JSON.stringify(body) });
      const known = z.looseObject({ status: z.looseObject({ hard: z.looseObject({}) }) });
      await waitFor(async () => known.safeParse(await kube.read(`${path}/limit`)).success, { what: 'the quota' });
    },
    /** The pod of a Job that is not the controller's. */
    podOf: () => ({ ...template, spec: { ...template.spec, restartPolicy: 'Never' } }),

    /** Posts an order's VideoJob as the bot's relay does, and waits until the controller has claimed it. */
    async order(spec: Partial<VideoJobInput> = {}, person?: TestPerson): Promise<TestOrder> {
      const placed = await this.placed(spec, person);
      const order = await this.relayed(placed);
      await waitFor(async () => (await ledger.observe(order)).claimedBy === order.uid, { what: 'the claim' });
      return order;
    },
    /** An order that nobody has posted yet. */
    async placed(spec: Partial<VideoJobInput> = {}, person?: TestPerson) {
      const placement = ledger.placement(person ?? (await ledger.person()), 1, spec);
      await ledger.place(placement);
      const [order] = placement.orders;
      if (order === undefined) throw new Error('a placement without an order');
      return { orderId: order.orderId, videoJob: order.videoJob, userId: placement.userId };
    },
    async relayed(placed: { orderId: string; videoJob: string; userId: number }): Promise<TestOrder> {
      const object = await kube.create(VIDEOJOBS, namespace.name, placed.videoJob, { fieldValidation: 'Strict' });
      return { orderId: placed.orderId, uid: object.metadata.uid, userId: placed.userId };
    },

    object: (order: TestOrder): Promise<StoredVideoJob | undefined> =>
      kube.find(VIDEOJOBS, at(videoJobName(order.orderId))),
    async status(order: TestOrder): Promise<VideoJobStatus> {
      const found = await kube.get(VIDEOJOBS, at(videoJobName(order.orderId)));
      return parseVideoJobStatus(found.status ?? {});
    },
    /** Changes the object as somebody with kubectl would. */
    change: (order: TestOrder, patch: object) => kube.patch(VIDEOJOBS, at(videoJobName(order.orderId)), patch),
    remove: (order: TestOrder) => kube.delete(VIDEOJOBS, at(videoJobName(order.orderId)), { uid: order.uid }),
    async gone(order: TestOrder): Promise<void> {
      await waitFor(async () => (await this.object(order)) === undefined, { what: 'the object to be gone' });
    },
    /** Waits for a condition to have this reason. */
    async condition(order: TestOrder, type: ConditionType, reason: string): Promise<void> {
      await waitFor(async () => findCondition((await this.status(order)).conditions, type)?.reason === reason, {
        what: `${type} to be ${reason}`,
      });
    },
    async conditions(order: TestOrder): Promise<Record<string, string>> {
      const { conditions = [] } = await this.status(order);
      return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    },

    /** The Job of an execution, when it is there. */
    job: (order: TestOrder, stage: 'gen' | 'dlv', n: number): Promise<Job> =>
      waitFor(() => kube.find(JOBS, at(nameOf(order, stage, n))), { what: `Job ${stage}-${n}` }),
    jobs: async () => (await kube.list(JOBS, { namespace: namespace.name })).items.map(({ metadata }) => metadata.name),
    removeJob: ({ metadata: { name, uid } }: Job) => kube.delete(JOBS, at(name), { uid }),
    pod: (order: TestOrder, stage: 'gen' | 'dlv', n: number): Promise<Pod> =>
      waitFor(
        async () => {
          const labelSelector = `job-name=${nameOf(order, stage, n)}`;
          return (await kube.list(PODS, { namespace: namespace.name, labelSelector })).items[0];
        },
        { what: `the pod of ${stage}-${n}` },
      ),
    /** Plays the kubelet of an execution's pod. */
    async play(order: TestOrder, stage: 'gen' | 'dlv', n: number, status: object): Promise<void> {
      const { metadata } = await this.pod(order, stage, n);
      await kube.patch(PODS, at(metadata.name), { status }, { subresource: 'status' });
    },
    async events(order: TestOrder): Promise<string[]> {
      const fieldSelector = `involvedObject.uid=${order.uid}`;
      const { items } = await kube.list(EVENTS, { namespace: namespace.name, fieldSelector });
      return items
        .toSorted((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)))
        .map(({ reason }) => reason ?? '');
    },
    /** Something happens to the object that needs a pass, and means nothing. */
    nudge: (order: TestOrder) =>
      kube.patch(VIDEOJOBS, at(videoJobName(order.orderId)), {
        metadata: { annotations: { nudged: String(performance.now()) } },
      }),
    async execution(order: TestOrder, stage: 'generation' | 'delivery' = 'generation') {
      const seen = await ledger.observe(order);
      return (stage === 'generation' ? seen.generationExecutions : seen.deliveryExecutions).at(-1);
    },
  };
}

/** The same client, with every write told of. */
function watchedClient(kube: KubeClient, tell: (write: Write) => Promise<void>): KubeClient {
  return {
    ...kube,
    async create(resource, target, body, options) {
      await tell({ what: `create ${resource.plural}`, body });
      return kube.create(resource, target, body, options);
    },
    async patch(resource, target, patch, options) {
      const sub = options?.subresource === undefined ? '' : `/${options.subresource}`;
      await tell({ what: `patch ${resource.plural}${sub}`, body: patch });
      return kube.patch(resource, target, patch, options);
    },
    async delete(resource, target, options) {
      await tell({ what: `delete ${resource.plural}`, body: options });
      return kube.delete(resource, target, options);
    },
  };
}

/** A pod that Pod Security lets in and that no node of any other test takes. */
function podTemplate(namespace: string) {
  return {
    metadata: { labels: {}, annotations: {} },
    spec: {
      nodeSelector: { 'neurocards.io/test': namespace },
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'runner',
          image: 'neurocards:test',
          env: [],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
