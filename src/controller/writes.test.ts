import type { IncomingMessage } from 'node:http';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { answerJson, startScriptedApiServer } from '../../test/support/scripted-api-server.ts';
import { createStore } from '../kube/store.ts';
import { type ApplyTools, applyCluster } from './apply.ts';
import { uid, videoJob } from './decide.fixtures.ts';
import type { ClusterEffect } from './decision.ts';
import { type PassTools, pass } from './pass.ts';
import { reconcile } from './reconcile.ts';

const body = z.looseObject({
  metadata: z.looseObject({}).optional(),
  preconditions: z.looseObject({}).optional(),
  propagationPolicy: z.string().optional(),
});

async function read(request: IncomingMessage): Promise<z.infer<typeof body>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return body.parse(JSON.parse(Buffer.concat(parts).toString() || '{}'));
}

const database = { query: () => Promise.reject(new Error('the database is not asked')) };
const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: reason });

/** An API server that answers every write alike and keeps what was asked. */
async function server(answer: { code: number; body: object }) {
  const asked: { method: string; url: string; body: z.infer<typeof body> }[] = [];
  const scripted = await startScriptedApiServer((request, response) => {
    void read(request).then((sent) => {
      asked.push({ method: request.method ?? '', url: request.url ?? '', body: sent });
      answerJson(response, answer.code, answer.body);
    });
  });
  onTestFinished(() => scripted.close());
  const tools: ApplyTools = {
    database,
    kube: scripted.client,
    templates: template,
    log: pino({ level: 'silent' }),
    rememberWritten: () => undefined,
    rememberOutdated: () => undefined,
  };
  return { asked, tools };
}

const pod = {
  metadata: { labels: {}, annotations: {} },
  spec: { containers: [{ name: 'runner', image: 'runner', env: [] }] },
};
const template: ApplyTools['templates'] = { generate: pod, deliver: pod };
const stored = { code: 200, body: { ...videoJob(), kind: 'VideoJob', apiVersion: 'neurocards.io/v1alpha1' } };
const deletingJob: ClusterEffect = { kind: 'delete-job', name: 'vj-abcdefghijkl-gen-1', uid: 'job-1' };
const postingJob: ClusterEffect = { kind: 'post-job', stage: 'generation', execution: 1, remainingSeconds: 60 };

describe('a write to the API server', () => {
  it('deletes a Job only if it is the one that was meant, with its pod', async () => {
    const { asked, tools } = await server(stored);
    await applyCluster(deletingJob, videoJob(), tools);
    expect(asked[0]).toMatchObject({
      method: 'DELETE',
      body: { preconditions: { uid: 'job-1' }, propagationPolicy: 'Background' },
    });
  });

  it('deletes a VideoJob only if it is the one that was read', async () => {
    const { asked, tools } = await server(stored);
    await applyCluster({ kind: 'delete-video-job' }, videoJob(), tools);
    expect(asked[0]).toMatchObject({ method: 'DELETE', body: { preconditions: { uid } } });
  });

  it('drops the finalizer only of the version and the UID it read', async () => {
    const { asked, tools } = await server(stored);
    await applyCluster({ kind: 'drop-finalizer' }, videoJob(), tools);
    expect(asked[0]).toMatchObject({
      method: 'PATCH',
      body: { metadata: { uid, resourceVersion: '7', finalizers: [] } },
    });
  });

  it.each([deletingJob, { kind: 'delete-video-job' } as const])(
    'that deletes what was replaced by another of its name has nothing left to do ($kind)',
    async (effect) => {
      const { tools } = await server({ code: 409, body: status(409, 'Conflict') });
      await expect(applyCluster(effect, videoJob(), tools)).resolves.toBe('done');
    },
  );

  it('of a Job that is there already looks whose it is', async () => {
    const { tools } = await server({ code: 409, body: status(409, 'AlreadyExists') });
    await expect(applyCluster(postingJob, videoJob(), tools)).resolves.toBe('look again');
  });

  it('that a full quota refuses is a failure', async () => {
    const { tools } = await server({ code: 403, body: status(403, 'Forbidden') });
    await expect(applyCluster(postingJob, videoJob(), tools)).rejects.toThrow('403');
  });
});

describe('a status that somebody else wrote meanwhile', () => {
  it('is looked at again soon, also of an object that no row of the ledger knows', async () => {
    const { tools } = await server({ code: 409, body: status(409, 'Conflict') });
    const said: Readonly<Record<string, unknown>> = {
      observe: null,
      claim: { answer: 'refused', reason: 'UnknownOrder', blocksOpenOrder: false },
    };
    const asked = (text: string): unknown => said[/ledger\.(\w+)/.exec(text)?.[1] ?? ''];
    const outdated: string[] = [];
    const requeueMs = await reconcile(stored.body, {
      ...tools,
      rememberOutdated: ({ metadata }) => void outdated.push(metadata.resourceVersion),
      database: { query: (text) => Promise.resolve({ rows: [{ answer: asked(text) }] }) },
      cachedJobs: () => [],
      terminating: { since: () => null },
      recordEvents: () => undefined,
      onClaimRefused: () => undefined,
      macKey: 'key',
    });
    expect(requeueMs).toBe(5_000);
    // If the watch brings no newer one until then, its event is lost.
    expect(outdated).toEqual(['7']);
  });
});

describe('a copy that is older than our own write', () => {
  /** A pass over it, so long after the write. */
  async function passAfter(ms: number) {
    const { asked, tools } = await server(stored);
    const store = createStore();
    const old = { ...videoJob(), kind: 'VideoJob', apiVersion: 'neurocards.io/v1alpha1' };
    store.put(old);
    store.wrote({ ...old, metadata: { ...old.metadata, resourceVersion: '9' } });
    const stale: string[] = [];
    const missing: PassTools['missing'] = { seen: () => undefined, seenMissing: () => Promise.resolve(undefined) };
    const passed = await pass('jobs/vj-abcdefghijkl', {
      ...tools,
      // The write was then.
      store: { ...store, staleForMs: (object) => (store.staleForMs(object) === undefined ? undefined : ms) },
      missing,
      cachedJobs: () => [],
      terminating: { since: () => null },
      recordEvents: () => undefined,
      onClaimRefused: () => undefined,
      macKey: 'key',
      onStale: () => void stale.push('stale'),
    }).catch((error: unknown) => error);
    return { passed, stale, asked };
  }

  it('is not decided from', async () => {
    const { passed, stale, asked } = await passAfter(100);
    expect(passed).toEqual({ requeueAfterMs: 200 });
    expect([stale.length, asked.length]).toEqual([1, 0]);
  });

  it("is replaced by the API server's own once the watch has had its time: the event may be lost", async () => {
    const { passed, asked } = await passAfter(2_000);
    expect(asked).toMatchObject([{ method: 'GET' }]);
    // From here on it is decided: the database is asked, and is not there.
    expect(passed).toEqual(new Error('the database is not asked'));
  });
});
