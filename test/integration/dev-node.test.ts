import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Api, ApiError, connect } from '../../dev/node/api.ts';
import { readKubeconfig } from '../../dev/node/kubeconfig.ts';
import { type RunningNode, startNode } from '../../dev/node/node.ts';
import { Pod } from '../../dev/node/pod.ts';
import { processesOfPods } from '../../dev/node/process.ts';
import { finalDelete, StatusReporter } from '../../dev/node/reporter.ts';
import { checkout } from '../../dev/places.ts';
import { recordOf } from '../../dev/process-record.ts';
import { createTestNamespace, type TestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

const State = z.object({
  waiting: z.object({ reason: z.string(), message: z.string().optional() }).optional(),
  running: z.object({ startedAt: z.string() }).optional(),
  terminated: z
    .object({
      exitCode: z.number(),
      reason: z.string(),
      message: z.string().optional(),
      startedAt: z.string().nullish(),
      finishedAt: z.string().nullish(),
    })
    .optional(),
});

const PodObject = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.object({ nodeName: z.string().optional() }),
  status: z.object({
    phase: z.string(),
    reason: z.string().optional(),
    message: z.string().optional(),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() })).default([]),
    containerStatuses: z.array(z.object({ state: State, ready: z.boolean() })).default([]),
  }),
});
type PodObject = z.infer<typeof PodObject>;

const JobObject = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() })).default([]),
  }),
});

let namespace: TestNamespace;
let api: Api;
let directory: string;
let bundle: string;
let node: RunningNode;
const nodeName = `node-${process.pid}`;

beforeAll(async () => {
  namespace = await createTestNamespace();
  api = connect(readKubeconfig(namespace.kubeconfig));
  directory = await mkdtemp(join(tmpdir(), 'neurocards-node-'));
  bundle = join(directory, 'runner.mjs');
  await writeFile(bundle, "console.log('runner', ...process.argv.slice(2));");
  await serviceAccountOf(namespace.name);
  node = await startNode(options(join(directory, 'node'), namespace.name, nodeName));
});

afterAll(async () => {
  await node.close(1);
  await api.call('DELETE', `/api/v1/nodes/${nodeName}`);
  await namespace.remove();
  await api.close();
  await rm(directory, { recursive: true, force: true });
});

function options(home: string, of: string, name: string) {
  return {
    kubeconfig: namespace.kubeconfig,
    directory: home,
    name,
    namespaces: [of],
    images: { neurocards: checkout },
    runnerBundle: bundle,
  };
}

/** Pods are refused until the namespace has its default account. */
async function serviceAccountOf(name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  await waitFor(() => api.call('GET', path).then(() => true), { what: 'the default service account' });
}

const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

interface JobParts {
  /** Run by node -e. */
  script?: string;
  container?: Record<string, unknown>;
  pod?: Record<string, unknown>;
}

/** A Job like the controller's: one pod, never restarted, restricted. */
async function createJob(name: string, { script = '', container, pod }: JobParts, at = namespace.name): Promise<void> {
  const body = {
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { 'neurocards.io/order': name } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 90,
          containers: [
            {
              name: 'runner',
              image: 'registry.example/team/neurocards:dev',
              command: ['node', '-e', script],
              securityContext: restricted,
              ...container,
            },
          ],
          ...pod,
        },
      },
    },
  };
  await api.call('POST', `/apis/batch/v1/namespaces/${at}/jobs`, { body });
}

async function podOf(job: string, at = namespace.name): Promise<PodObject | undefined> {
  const list = await api.call('GET', `/api/v1/namespaces/${at}/pods?labelSelector=neurocards.io/order%3D${job}`);
  return z.object({ items: z.array(PodObject) }).parse(list).items[0];
}

function podWhen(job: string, what: string, condition: (pod: PodObject) => boolean, at?: string): Promise<PodObject> {
  const look = async () => {
    const pod = await podOf(job, at);
    return pod && condition(pod) ? pod : undefined;
  };
  return waitFor(look, { what: `${what} of ${job}` });
}

const phase = (wanted: string) => (pod: PodObject) => pod.status.phase === wanted;
const stateOf = (pod: PodObject) => pod.status.containerStatuses[0]?.state;
const waitsFor = (reason: string) => (pod: PodObject) => stateOf(pod)?.waiting?.reason === reason;

function logOf(pod: PodObject, home = join(directory, 'node'), at = namespace.name): Promise<string> {
  return readFile(join(home, 'logs', `${at}_${pod.metadata.name}_${pod.metadata.uid}`, 'runner.log'), 'utf8');
}

test('a Job whose container exits with 0 completes, and its Pod tells times, conditions and last words', async () => {
  await createJob('completes', {
    script: "require('fs').writeFileSync(process.env.NEUROCARDS_TERMINATION_MESSAGE, 'verdict written')",
  });
  const pod = await podWhen('completes', 'success', phase('Succeeded'));
  expect(stateOf(pod)?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed', message: 'verdict written' });
  expect(stateOf(pod)?.terminated?.finishedAt).toBeTruthy();
  expect(pod.spec.nodeName).toBe(nodeName);
  expect(Object.fromEntries(pod.status.conditions.map(({ type, status }) => [type, status]))).toEqual({
    PodReadyToStartContainers: 'False',
    PodScheduled: 'True',
    Initialized: 'True',
    ContainersReady: 'False',
    Ready: 'False',
  });
  await waitFor(
    async () => {
      const job = JobObject.parse(await api.call('GET', `/apis/batch/v1/namespaces/${namespace.name}/jobs/completes`));
      return job.status.conditions.some(({ type, status }) => type === 'Complete' && status === 'True');
    },
    { what: 'the Job to complete' },
  );
});

test('neurocards-runner runs the bundle with its arguments and writes to the log of its container', async () => {
  await createJob('bundle', {
    container: { command: ['neurocards-runner', 'generate'], args: ['$(WORD)'], env: [{ name: 'WORD', value: 'x' }] },
  });
  const pod = await podWhen('bundle', 'success', phase('Succeeded'));
  expect(await logOf(pod)).toBe('runner generate x\n');
});

test('a container that fails gives its exit code and, when asked, the end of its log', async () => {
  await createJob('fails', {
    script: "console.log('before'); console.error('the reason'); process.exitCode = 7",
    container: { terminationMessagePolicy: 'FallbackToLogsOnError' },
  });
  const pod = await podWhen('fails', 'failure', phase('Failed'));
  expect(stateOf(pod)?.terminated).toMatchObject({ exitCode: 7, reason: 'Error', message: 'before\nthe reason\n' });
});

test('the environment is exactly what the Pod says, out of Secrets, ConfigMaps and its own fields', async () => {
  const data = { TOKEN: Buffer.from('from-secret').toString('base64') };
  await api.call('POST', `/api/v1/namespaces/${namespace.name}/secrets`, {
    body: { metadata: { name: 'keys' }, data },
  });
  const settings = { metadata: { name: 'settings' }, data: { MODEL: 'fast' } };
  await api.call('POST', `/api/v1/namespaces/${namespace.name}/configmaps`, { body: settings });
  await createJob('environment', {
    script: 'console.log(JSON.stringify(process.env))',
    container: {
      env: [
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'TOKEN' } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'STORAGE', value: '/data/videos' },
      ],
      envFrom: [{ configMapRef: { name: 'settings' } }],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    },
    pod: { volumes: [{ name: 'data', emptyDir: {} }] },
  });
  const pod = await podWhen('environment', 'success', phase('Succeeded'));
  const environment = z.record(z.string(), z.string()).parse(JSON.parse(await logOf(pod)));
  expect(environment).toMatchObject({ TOKEN: 'from-secret', MODEL: 'fast', NODE: nodeName });
  const home = join(directory, 'node', 'pods', pod.metadata.uid);
  expect(environment['STORAGE']).toBe(join(home, 'volumes', 'data', 'videos'));
  expect(Object.keys(environment).sort()).toEqual([
    'HOME',
    'MODEL',
    'NEUROCARDS_MOUNTS',
    'NEUROCARDS_TERMINATION_MESSAGE',
    'NODE',
    'PATH',
    'STORAGE',
    'TMPDIR',
    'TOKEN',
  ]);
  await waitFor(() => !existsSync(home), { what: 'the files of the ended Pod to go' });
});

test('a claim is the hostPath of the volume that it names, though nothing binds it', async () => {
  const storage = join(directory, 'storage');
  await mkdir(storage);
  await writeFile(join(storage, 'photo'), 'a photo');
  const volumeName = `${namespace.name}-storage`;
  const common = { accessModes: ['ReadWriteMany'], storageClassName: '' };
  await api.call('POST', '/api/v1/persistentvolumes', {
    body: {
      metadata: { name: volumeName },
      spec: { ...common, capacity: { storage: '1Gi' }, hostPath: { path: storage } },
    },
  });
  onTestFinished(async () => void (await api.call('DELETE', `/api/v1/persistentvolumes/${volumeName}`)));
  await api.call('POST', `/api/v1/namespaces/${namespace.name}/persistentvolumeclaims`, {
    body: {
      metadata: { name: 'storage' },
      spec: { ...common, volumeName, resources: { requests: { storage: '1Gi' } } },
    },
  });
  await createJob('claim', {
    script: "const { copyFileSync } = require('fs'); copyFileSync(process.env.PHOTO, process.env.PHOTO + '.copy')",
    container: {
      env: [{ name: 'PHOTO', value: '/storage/photo' }],
      volumeMounts: [{ name: 'storage', mountPath: '/storage' }],
    },
    pod: { volumes: [{ name: 'storage', persistentVolumeClaim: { claimName: 'storage' } }] },
  });
  await podWhen('claim', 'success', phase('Succeeded'));
  expect(await readFile(join(storage, 'photo.copy'), 'utf8')).toBe('a photo');
});

test('an unknown image waits as a failed pull, and its Pod goes when it is deleted', async () => {
  await createJob('image', { container: { image: 'elsewhere/other:1' } });
  await podWhen('image', 'ErrImagePull', waitsFor('ErrImagePull'));
  const pod = await podWhen('image', 'ImagePullBackOff', waitsFor('ImagePullBackOff'));
  expect(pod.status.phase).toBe('Pending');
  await deleteJob('image');
  await waitFor(async () => (await podOf('image')) === undefined, { what: 'the Pod to go' });
});

test('a missing Secret waits as a configuration error and the container starts once it is there', async () => {
  await createJob('config', {
    container: { env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'late', key: 'KEY' } } }] },
  });
  const pod = await podWhen('config', 'the error', waitsFor('CreateContainerConfigError'));
  expect(stateOf(pod)?.waiting?.message).toBe('secret "late" not found');
  const body = { metadata: { name: 'late' }, stringData: { KEY: 'x' } };
  await api.call('POST', `/api/v1/namespaces/${namespace.name}/secrets`, { body });
  await podWhen('config', 'success', phase('Succeeded'));
});

test('a field that the node does not implement fails the Pod and is named', async () => {
  const init = { name: 'first', image: 'neurocards:dev', securityContext: restricted };
  await createJob('refused', { pod: { initContainers: [init] } });
  const pod = await podWhen('refused', 'refusal', phase('Failed'));
  expect(pod.status.reason).toBe('UnimplementedField');
  expect(pod.status.message).toContain('spec.initContainers');
});

test('a node selector that no node matches leaves the Pod unscheduled', async () => {
  await createJob('selector', { pod: { nodeSelector: { gpu: 'yes' } } });
  const pod = await podWhen('selector', 'the reason', ({ status }) =>
    status.conditions.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable'),
  );
  expect(pod.spec.nodeName).toBeUndefined();
});

test('activeDeadlineSeconds of a Pod ends it as DeadlineExceeded', async () => {
  await createJob('deadline', { script: 'setInterval(() => {}, 1000)', pod: { activeDeadlineSeconds: 1 } });
  const pod = await podWhen('deadline', 'the end', phase('Failed'));
  expect(pod.status.reason).toBe('DeadlineExceeded');
  expect(stateOf(pod)?.terminated?.exitCode).toBe(143);
});

test('a deleted Pod gets SIGTERM first, so that it may end in its own way, and then goes', async () => {
  await createJob('polite', {
    script:
      "process.on('SIGTERM', () => { console.log('ends itself'); process.exit(0) }); console.log('ready'); setInterval(() => {}, 1000)",
  });
  const pod = await podWhen('polite', 'running', phase('Running'));
  await waitFor(async () => (await logOf(pod)).includes('ready'), { what: 'its handler' });
  await deleteJob('polite');
  await waitFor(async () => (await podOf('polite')) === undefined, { what: 'the Pod to go' });
  expect(await logOf(pod)).toContain('ends itself');
});

test('a Pod that ignores SIGTERM is killed with its whole group when its grace is over, and then goes', async () => {
  await createJob('stubborn', {
    script: `process.on('SIGTERM', () => {});
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      console.log(process.pid, child.pid); setInterval(() => {}, 1000)`,
    pod: { terminationGracePeriodSeconds: 2 },
  });
  const pod = await podWhen('stubborn', 'running', phase('Running'));
  const pids = await waitFor(async () => /^(\d+) (\d+)\n/.exec(await logOf(pod)), { what: 'its pids' });
  const before = Date.now();
  await api.call('DELETE', `/api/v1/namespaces/${namespace.name}/pods/${pod.metadata.name}`);
  const gone = () => podOf('stubborn').then((left) => left === undefined);
  await waitFor(gone, { what: 'the Pod to go' });
  expect(Date.now() - before).toBeGreaterThan(1_900);
  expect(pids.slice(1).map(Number).filter(isRunning)).toEqual([]);
});

test('a program that the image does not have fails the Pod as StartError', async () => {
  await createJob('program', { container: { command: ['bash'] } });
  const pod = await podWhen('program', 'failure', phase('Failed'));
  expect(stateOf(pod)?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
});

test('the Node is Ready and has a Lease', async () => {
  const { status } = z
    .object({ status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }) })
    .parse(await api.call('GET', `/api/v1/nodes/${nodeName}`));
  expect(status.conditions.find(({ type }) => type === 'Ready')?.status).toBe('True');
  await api.call('GET', `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`);
});

test('the API server passes on the log of a container, its last lines alone when they are asked for', async () => {
  await createJob('logs', { script: "console.log('one'); console.log('two'); console.log('three')" });
  const pod = await podWhen('logs', 'success', phase('Succeeded'));
  const read = async (query: string) => {
    const { server, ca, cert, key } = readKubeconfig(namespace.kubeconfig);
    const agent = new Agent({ connect: { ca, cert, key } });
    const path = `/api/v1/namespaces/${namespace.name}/pods/${pod.metadata.name}/log${query}`;
    const { body } = await agent.request({ origin: server, path, method: 'GET' });
    const text = await body.text();
    await agent.close();
    return text;
  };
  expect(await read('')).toBe('one\ntwo\nthree\n');
  expect(await read('?tailLines=2')).toBe('two\nthree\n');
  expect(await read('?follow=true')).toBe('one\ntwo\nthree\n');
});

test('the end of a Pod that is gone never lands on a namesake', async () => {
  const spec = { nodeName: 'nobody', containers: [{ name: 'runner', image: 'x', securityContext: restricted }] };
  const path = `/api/v1/namespaces/${namespace.name}/pods`;
  const created = await api.call('POST', path, { body: { metadata: { name: 'namesake' }, spec } });
  const late = Pod.parse(created);
  late.metadata.uid = randomUUID();
  const container = { kind: 'terminated', exitCode: 1, reason: 'Error' } as const;
  await new StatusReporter(api, () => late, AbortSignal.timeout(5_000)).report({ startTime: new Date(), container });
  await finalDelete(api, late, AbortSignal.timeout(5_000));
  const now = PodObject.parse(await api.call('GET', `${path}/namesake`));
  expect(now.status.phase).toBe('Pending');
});

test('a second node on the same directory is refused', async () => {
  const again = startNode(options(join(directory, 'node'), namespace.name, 'another'));
  await expect(again).rejects.toMatchObject({ reason: 'DirectoryInUse' });
});

describe('a node in a process of its own', () => {
  test('after SIGKILL and a restart it ends the orphans and reports their Pods Failed', async () => {
    const own = await ownNamespace();
    const first = await spawnNode(own);
    await createJob('orphan', { script: 'console.log(process.pid); setInterval(() => {}, 1000)' }, own.name);
    const pod = await podWhen('orphan', 'running', phase('Running'), own.name);
    const log = () => logOf(pod, own.home, own.name);
    const pid = await waitFor(async () => Number(await log()) || undefined, { what: 'its pid' });
    await killed(first);
    expect(isRunning(pid)).toBe(true);
    await spawnNode(own);
    const ended = await podWhen('orphan', 'failure', phase('Failed'), own.name);
    expect(ended.status.reason).toBe('NodeRebooted');
    expect(stateOf(ended)?.terminated?.exitCode).toBe(137);
    expect(isRunning(pid)).toBe(false);
  });

  test('an end that it recorded and did not report is reported by its next life', async () => {
    const own = await ownNamespace();
    const first = await spawnNode(own);
    await createJob('unreported', { script: 'setInterval(() => {}, 1000)' }, own.name);
    const pod = await podWhen('unreported', 'running', phase('Running'), own.name);
    await killed(first);
    const file = join(own.home, 'records', `${pod.metadata.uid}.json`);
    const record = z.looseObject({ startTime: z.string() }).parse(JSON.parse(await readFile(file, 'utf8')));
    const container = {
      kind: 'terminated',
      exitCode: 3,
      reason: 'Error',
      startedAt: record.startTime,
      finishedAt: record.startTime,
    };
    await writeFile(file, JSON.stringify({ ...record, end: { startTime: record.startTime, container } }));
    await spawnNode(own);
    const ended = await podWhen('unreported', 'failure', phase('Failed'), own.name);
    expect(stateOf(ended)?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(ended.status.reason).toBeUndefined();
  });

  test('SIGTERM ends its Pods, reports them and leaves with 0', async () => {
    const own = await ownNamespace();
    const only = await spawnNode(own);
    await createJob('shutdown', { script: 'setInterval(() => {}, 1000)' }, own.name);
    await podWhen('shutdown', 'running', phase('Running'), own.name);
    const left = new Promise((resolve) => only.once('exit', resolve));
    only.kill('SIGTERM');
    expect(await left).toBe(0);
    const pod = await podOf('shutdown', own.name);
    expect(pod?.status).toMatchObject({ phase: 'Failed', reason: 'Terminated' });
  });
});

interface Own {
  name: string;
  home: string;
}

async function ownNamespace(): Promise<Own> {
  const { name } = await createTestNamespace();
  await serviceAccountOf(name);
  const home = join(directory, name);
  // A red test must not leave containers that nobody ends.
  onTestFinished(() => {
    for (const pid of processesOfPods(join(home, 'pods'))) process.kill(pid, 'SIGKILL');
  });
  onTestFinished(async () => void (await api.call('DELETE', `/api/v1/nodes/${name}`).catch(() => undefined)));
  return { name, home };
}

/** Starts the command line's own node on that namespace and waits until it is ready. */
async function spawnNode({ name, home }: Own): Promise<ChildProcess> {
  const main = join(checkout, 'dev', 'node', 'main.ts');
  const args = ['--kubeconfig', namespace.kubeconfig, '--directory', home, '--name', name, '--namespace', name];
  const child = spawn(process.execPath, [main, ...args, '--runner-bundle', bundle], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => killed(child, 'SIGTERM'));
  const ready = Promise.withResolvers<void>();
  child.once('exit', (code) => ready.reject(new Error(`the node exited with ${code}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('is ready')) ready.resolve();
  });
  await ready.promise;
  return child;
}

async function killed(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const left = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await left;
}

async function deleteJob(name: string): Promise<void> {
  const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs/${name}`;
  await api.call('DELETE', path, { body: { propagationPolicy: 'Background' } }).catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error;
  });
}

/** A killed orphan may stay a zombie where process 1 does not reap: it counts as ended. */
function isRunning(pid: number): boolean {
  return recordOf(pid) !== undefined;
}
