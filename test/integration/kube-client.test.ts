import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/error.ts';
import { createEventRecorder } from '../../src/kube/event-recorder.ts';
import { CONFIGMAPS, EVENTS, JOBS, PODS } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const metrics = createMetrics({ processMetrics: false });
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  client = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test', metrics });
});
afterAll(() => client.close());

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    backoffLimit: 0,
    template: {
      spec: {
        restartPolicy: 'Never',
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'runner',
            image: 'neurocards',
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  },
});

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: unknown) => (error instanceof KubeError ? `${error.status} ${error.reason}` : String(error)),
  );

test('refusals keep their reasons apart: gone, there already, newer, another object', async () => {
  namespace = (await createTestNamespace()).name;
  const target = { namespace, name: 'a' };
  expect(await client.find(CONFIGMAPS, target)).toBeUndefined();
  expect(await reasonOf(client.get(CONFIGMAPS, target))).toBe('404 NotFound');
  const made = await client.create(CONFIGMAPS, namespace, configMap('a'));
  expect(await reasonOf(client.create(CONFIGMAPS, namespace, configMap('a')))).toBe('409 AlreadyExists');
  const changed = await client.patch(CONFIGMAPS, target, { data: { k: 'v' } });
  expect(changed.data).toEqual({ k: 'v' });
  expect(await reasonOf(client.replace(CONFIGMAPS, target, made))).toBe('409 Conflict');
  const { resourceVersion } = made.metadata;
  expect(await reasonOf(client.patch(CONFIGMAPS, target, { metadata: { resourceVersion }, data: {} }))).toBe(
    '409 Conflict',
  );
  expect(await reasonOf(client.delete(CONFIGMAPS, target, { uid: 'another' }))).toBe('409 Conflict');
  await client.delete(CONFIGMAPS, target, { uid: made.metadata.uid });
  expect(await client.find(CONFIGMAPS, target)).toBeUndefined();
  expect(await reasonOf(client.delete(CONFIGMAPS, target, { uid: made.metadata.uid }))).toBe('404 NotFound');
  expect(await metrics.text()).toMatch(/rest_client_requests_total{code="409",method="POST",host="127.0.0.1:\d+"} 1/);
});

test('a deleted Job takes its pod with it', async () => {
  namespace = (await createTestNamespace()).name;
  const made = await client.create(JOBS, namespace, job('a'), { fieldValidation: 'Strict' });
  const pods = async () => (await client.list(PODS, { namespace, labelSelector: 'job-name=a' })).items;
  const pod = await waitFor(async () => (await pods())[0], { what: 'the pod of the Job' });
  expect([pod.status.phase, pod.metadata.ownerReferences?.[0]?.uid]).toEqual(['Pending', made.metadata.uid]);
  await client.delete(JOBS, { namespace, name: 'a' }, { uid: made.metadata.uid });
  await waitFor(async () => (await pods()).length === 0, { what: 'the end of the pod' });
});

test('events are shown in their order, none in the future, and a refused one is counted only', async () => {
  namespace = (await createTestNamespace()).name;
  const counted = createMetrics({ processMetrics: false });
  const recorder = createEventRecorder({ client, component: 'neurocards', instance: 'p', log, metrics: counted });
  const made = await client.create(CONFIGMAPS, namespace, configMap('a'));
  const subject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: made.metadata };
  const notes = ['First', 'Second', 'Third'].map((reason) => ({ type: 'Normal' as const, reason, message: reason }));
  recorder.record(subject, ...notes);
  recorder.record(subject, { type: 'Warning', reason: 'Fourth', message: 'x'.repeat(5_000) });
  recorder.record(
    { ...subject, metadata: { ...made.metadata, namespace: 'no-such-namespace' } },
    { type: 'Normal', reason: 'Lost', message: '' },
  );
  await recorder.flush();
  const { items } = await client.list(EVENTS, { namespace, fieldSelector: `involvedObject.uid=${made.metadata.uid}` });
  const byTime = items.toSorted((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)));
  expect(byTime.map(({ reason }) => reason).slice(0, 2)).toEqual(['First', 'Second']);
  expect(items).toHaveLength(4);
  for (const { lastTimestamp } of items) expect(Date.parse(String(lastTimestamp))).toBeLessThanOrEqual(Date.now());
  const text = await counted.text();
  expect(text).toContain('neurocards_events_total{result="recorded"} 4');
  expect(text).toContain('neurocards_events_total{result="refused"} 1');
});
