import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ensureBinaries } from '../../dev/control-plane/binaries.ts';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/error.ts';
import { type StoredVideoJob, VIDEOJOBS } from '../../src/kube/resources.ts';
import { endConditions, setConditions } from '../../src/videojob/conditions.ts';
import { parseVideoJob } from '../../src/videojob/parse.ts';
import type { VideoJobManifest, VideoJobStatus } from '../../src/videojob/schema.ts';
import { computeSpecHash } from '../../src/videojob/spec-hash.ts';
import { createTestNamespace, type TestNamespace } from '../support/namespace.ts';
import { aVideoJob } from '../support/videojob.ts';

let client: KubeClient;
let namespace: TestNamespace;

beforeAll(async () => {
  client = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
  namespace = await createTestNamespace();
  await installVideoJobCrd(client);
});

afterAll(async () => {
  // The finalizers have no controller here that would let them go.
  for (const { metadata } of (await client.list(VIDEOJOBS, { namespace: namespace.name })).items) {
    await client.patch(
      VIDEOJOBS,
      { namespace: namespace.name, name: metadata.name },
      { metadata: { finalizers: null } },
    );
  }
  await namespace.remove();
  await client.close();
});

const create = (body: object = aVideoJob()) =>
  client.create(VIDEOJOBS, namespace.name, body, { fieldValidation: 'Strict' });
const patch = ({ metadata }: StoredVideoJob, change: object) =>
  client.patch(VIDEOJOBS, { namespace: namespace.name, name: metadata.name }, change);
const patchStatus = ({ metadata }: StoredVideoJob, status: VideoJobStatus | null) =>
  client.patch(VIDEOJOBS, { namespace: namespace.name, name: metadata.name }, { status }, { subresource: 'status' });

/** The server's words of refusal; fails when it did not refuse. */
async function refusal(call: Promise<unknown>): Promise<KubeError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, 'the API server refuses').toBeInstanceOf(KubeError);
  if (error instanceof KubeError) return error;
  throw new Error('not refused');
}

const finished = (reason: 'VideoDelivered' | 'Cancelled'): VideoJobStatus => ({
  attempts: 1,
  durationSeconds: 72,
  completionTime: '2026-01-01T00:01:12Z',
  conditions: setConditions([], endConditions(reason, 'It ended.'), {
    now: '2026-01-01T00:01:12Z',
    observedGeneration: 1,
  }),
});

describe('creating', () => {
  test('what the bot builds is taken, keeps its hash, and has the defaults of the mutable fields', async () => {
    const manifest = aVideoJob();
    const stored = parseVideoJob(await create(manifest));
    expect(computeSpecHash(stored.spec)).toBe(manifest.spec.order.specHash);
    expect(stored.spec).toMatchObject({ cancel: false, suspend: false, ttlSecondsAfterFinished: 86_400 });
    expect(stored.metadata.finalizers).toEqual(['neurocards.io/settlement']);
  });

  test('a name that is not that of the order is refused', async () => {
    const manifest = aVideoJob();
    const error = await refusal(create({ ...manifest, metadata: { ...manifest.metadata, name: 'vj-another' } }));
    expect([error.status, error.message]).toEqual([422, expect.stringContaining("metadata.name must be 'vj-'")]);
  });

  test('an unknown field is refused with 400, not dropped', async () => {
    const manifest = aVideoJob();
    const error = await refusal(create({ ...manifest, spec: { ...manifest.spec, chatId: 1 } }));
    expect([error.status, error.message]).toEqual([400, expect.stringContaining('chatId')]);
  });

  test.each<[string, (spec: VideoJobManifest['spec']) => object, string]>([
    ['a photo that is a URL', (s) => ({ ...s, input: { ...s.input, photo: 'https://x/y' } }), 'spec.input.photo'],
    ['an unknown template', (s) => ({ ...s, input: { ...s.input, template: 'x' } }), 'spec.input.template'],
    ['no credits', (s) => ({ ...s, order: { ...s.order, credits: 0 } }), 'spec.order.credits'],
    ['a missing clock', (s) => ({ ...s, queueTimeoutSeconds: undefined }), 'spec.queueTimeoutSeconds'],
    [
      'nine attempts',
      (s) => ({ ...s, generation: { ...s.generation, maxAttempts: 9 } }),
      'spec.generation.maxAttempts',
    ],
    ['words for a number', (s) => ({ ...s, activeDeadlineSeconds: 'soon' }), 'spec.activeDeadlineSeconds'],
  ])('%s is refused, naming the field', async (_, change, field) => {
    const manifest = aVideoJob();
    const error = await refusal(create({ ...manifest, spec: change(manifest.spec) }));
    expect(error.status).toBe(422);
    expect(error.message).toContain(field);
  });
});

describe('changing', () => {
  test('the three mutable fields can be changed', async () => {
    const job = await create();
    await patch(job, { spec: { suspend: true } });
    await patch(job, { spec: { suspend: false, ttlSecondsAfterFinished: 0 } });
    const { spec } = parseVideoJob(await patch(job, { spec: { cancel: true } }));
    expect(spec).toMatchObject({ suspend: false, cancel: true, ttlSecondsAfterFinished: 0 });
  });

  test.each([
    ['order', { order: { credits: 1 } }],
    ['input', { input: { template: 'ad' } }],
    ['generation', { generation: { seconds: 3 } }],
    ['delivery', { delivery: { minExecutions: 1 } }],
    ['activeDeadlineSeconds', { activeDeadlineSeconds: 5 }],
    ['queueTimeoutSeconds', { queueTimeoutSeconds: 5 }],
  ])('spec.%s stays as it was ordered', async (field, spec) => {
    const error = await refusal(patch(await create(), { spec }));
    expect([error.status, error.message]).toEqual([422, expect.stringContaining(`spec.${field} is what was ordered`)]);
  });

  test('a patch that changes nothing of an immutable field is taken', async () => {
    const manifest = aVideoJob();
    const job = await create(manifest);
    await patch(job, { spec: { order: manifest.spec.order, suspend: true } });
  });

  test.each([{ cancel: false }, { cancel: null }])('a cancel cannot be taken back by %j', async (spec) => {
    const job = await create();
    await patch(job, { spec: { cancel: true } });
    await patch(job, { spec: { cancel: true, suspend: true } });
    const error = await refusal(patch(job, { spec }));
    expect(error.message).toContain('spec.cancel cannot be taken back');
  });
});

describe('status', () => {
  test('Finished once True stays, with its reason; the rest of the status may change', async () => {
    const job = await create();
    await patchStatus(job, finished('VideoDelivered'));
    await patchStatus(job, { observedGeneration: 2 });
    const conditions = finished('VideoDelivered').conditions?.map((one) => ({ ...one, observedGeneration: 3 }));
    await patchStatus(job, { conditions });
    const ways: (VideoJobStatus | null)[] = [
      finished('Cancelled'),
      { conditions: [] },
      null,
      { conditions: conditions?.map((one) => (one.type === 'Finished' ? { ...one, status: 'False' as const } : one)) },
      { conditions: conditions?.filter(({ type }) => type !== 'Finished') },
    ];
    for (const way of ways) {
      const error = await refusal(patchStatus(job, way));
      expect([error.status, error.message]).toEqual([422, expect.stringContaining('Finished is True')]);
    }
  });

  test('Finished may become True from False, and a status may be emptied before', async () => {
    const job = await create();
    const open: VideoJobStatus = {
      conditions: setConditions([], [{ type: 'Finished', status: 'False', reason: 'Generating', message: '' }], {
        now: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      }),
    };
    await patchStatus(job, open);
    await patchStatus(job, null);
    await patchStatus(job, open);
    await patchStatus(job, finished('Cancelled'));
  });

  test('a patch of the object does not touch its status, nor one of the status its spec', async () => {
    const job = await create();
    await patch(job, { status: finished('Cancelled') });
    const answer = await client.patch(
      VIDEOJOBS,
      { namespace: namespace.name, name: job.metadata.name },
      { spec: { suspend: true }, status: { attempts: 2 } },
      { subresource: 'status' },
    );
    expect(parseVideoJob(answer)).toMatchObject({ spec: { suspend: false }, status: { attempts: 2 } });
  });

  test('an unknown condition type is refused', async () => {
    const job = await create();
    const condition = { ...finished('Cancelled').conditions?.[0], type: 'Mine' };
    const error = await refusal(
      patch(job, { status: { conditions: [condition] } }).then(() =>
        client.patch(
          VIDEOJOBS,
          { namespace: namespace.name, name: job.metadata.name },
          { status: { conditions: [condition] } },
          { subresource: 'status' },
        ),
      ),
    );
    expect(error.status).toBe(422);
  });
});

describe('for people', () => {
  const run = promisify(execFile);
  const home = mkdtempSync(join(tmpdir(), 'neurocards-kubectl-'));
  afterAll(() => rmSync(home, { recursive: true }));
  async function kubectl(...args: string[]): Promise<string> {
    const { kubectl: program } = await ensureBinaries({ onProgress: () => undefined });
    const { stdout } = await run(program, ['--kubeconfig', namespace.kubeconfig, '-n', namespace.name, ...args], {
      // kubectl keeps what it learns of the API server in its home.
      env: { ...process.env, HOME: home },
    });
    return stdout;
  }

  test('kubectl get shows how each stands, what its credits became, and how long it took', async () => {
    const job = await create();
    await patchStatus(job, { ...finished('VideoDelivered'), generationMode: 'Pod', providerTaskID: 'task-1' });
    const [head, row] = (await kubectl('get', 'vj', job.metadata.name)).split('\n').map((line) => line.split(/\s+/));
    expect(head).toEqual(['NAME', 'STATUS', 'CREDITS', 'ATTEMPTS', 'DURATION', 'AGE']);
    expect(row?.slice(0, 5)).toEqual([job.metadata.name, 'VideoDelivered', 'CreditsCaptured', '1', '72']);
    const wide = await kubectl('get', 'neurocards', '-o', 'wide');
    expect(wide).toMatch(/AGE\s+MODEL\s+MODE\s+JOB\s+TASK/);
    expect(wide).toMatch(/test-model\s+Pod\s+task-1/);
  });

  test('VideoJobs are selected by provider, model and template', async () => {
    const job = await create(aVideoJob({ template: 'self', generation: { provider: 'other', model: 'special' } }));
    for (const selector of ['generation.provider=other', 'generation.model=special', 'input.template=self']) {
      expect(await kubectl('get', 'vjs', '-o', 'name', `--field-selector=spec.${selector}`)).toBe(
        `videojob.neurocards.io/${job.metadata.name}\n`,
      );
    }
  });

  test('kubectl explain says what deleting one does to money, and what every field is', async () => {
    expect((await kubectl('explain', 'videojob')).replace(/\s+/g, ' ')).toContain(
      'Deleting a VideoJob before its video is stored ends the order and gives the held credits back',
    );
    const spec = await kubectl('explain', 'videojob.spec');
    expect(spec).toMatch(/cancel\s+<boolean>\n\s+Set to true to cancel while nothing was paid/);
    expect(spec).toMatch(/order\s+<Object> -required-/);
    expect(await kubectl('explain', 'videojob.status.conditions')).toContain('lastTransitionTime');
  });

  test('kubectl wait sees the end', async () => {
    const job = await create();
    await patchStatus(job, finished('VideoDelivered'));
    expect(await kubectl('wait', '--for=condition=Finished', '--timeout=5s', `vj/${job.metadata.name}`)).toContain(
      'met',
    );
  });
});
