import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Kie } from '../../dev/kie/server.ts';
import { startKie } from '../../dev/kie/server.ts';
import { createKieProvider } from '../../src/provider/kie/provider.ts';
import type { PollResult, SubmitRequest, VideoProvider } from '../../src/provider/provider.ts';
import { ProviderError } from '../../src/provider/provider.ts';

const apiKey = 'test-key-of-the-provider-test';
const never = new AbortController().signal;
const maxBytes = 50 * 1024 * 1024;

let directory: string;
let kie: Kie;
let provider: VideoProvider;
let counted: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neurocards-provider-'));
  kie = await startKie({ stateDirectory: directory, apiKey, seconds: 0.2 });
  counted = [];
  provider = client(kie.url);
});

afterEach(async () => {
  await kie.close();
  await rm(directory, { recursive: true, force: true });
});

function client(url: string, key = apiKey): VideoProvider {
  const onRequest = (operation: string, outcome: string) => counted.push(`${operation} ${outcome}`);
  return createKieProvider({ baseUrl: url, uploadUrl: url, apiKey: key, onRequest });
}

async function request(prompt: string, photo = 'coffee-cup'): Promise<SubmitRequest> {
  const bytes = await readFile(`dev/photos/${photo}.jpg`);
  const { url, expiresAt } = await provider.uploadPhoto(bytes, 'image/jpeg', 'photo-1.jpg', never);
  expect(expiresAt?.getTime()).toBeGreaterThan(Date.now());
  return { model: 'bytedance/seedance-2-fast', prompt, imageUrl: url, seconds: 5, aspectRatio: '9:16', audio: true };
}

async function accepted(prompt: string, photo?: string): Promise<string> {
  const result = await provider.submit(await request(prompt, photo), never);
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result.taskId;
}

async function ended(taskId: string): Promise<PollResult> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const seen = await provider.poll(taskId, never);
    if (seen.kind === 'succeeded' || seen.kind === 'failed') return seen;
    if (Date.now() > deadline) throw new Error(`task ${taskId} did not end: ${JSON.stringify(seen)}`);
    await sleep(150);
  }
}

async function film(taskId: string): Promise<Uint8Array> {
  const seen = await ended(taskId);
  return provider.download(seen.kind === 'succeeded' ? (seen.urls[0] ?? '') : '', maxBytes, never);
}

async function order(fault: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify({ times: 1, ...fault });
  expect((await fetch(`${kie.url}/dev/faults`, { method: 'POST', body })).status).toBe(200);
}

async function tasks(): Promise<number> {
  return z.array(z.unknown()).parse(await (await fetch(`${kie.url}/dev/tasks`)).json()).length;
}

async function creates(): Promise<number> {
  return z.array(z.unknown()).parse(await (await fetch(`${kie.url}/dev/journal?method=createTask`)).json()).length;
}

describe('a photo', () => {
  it('becomes a film, every request counted once', async () => {
    const taskId = await accepted('a cup');
    const done = await ended(taskId);
    expect(done).toMatchObject({ kind: 'succeeded', creditsConsumed: 60 });
    const bytes = await provider.download(done.kind === 'succeeded' ? (done.urls[0] ?? '') : '', maxBytes, never);
    expect(Buffer.from(bytes.subarray(4, 8)).toString()).toBe('ftyp');
    expect(counted.filter((each) => each.startsWith('submit'))).toEqual(['submit ok']);
    expect(counted).toContain('upload ok');
    expect(counted.at(-1)).toBe('download ok');
  });

  it('of a person is refused with the class of it', async () => {
    const done = await ended(await accepted('me', 'person'));
    expect(done).toMatchObject({ kind: 'failed', failure: 'user-person', code: '422' });
    expect(done.kind === 'failed' && done.providerMessage.length).toBeLessThanOrEqual(300);
  });

  it('is proven ours by the callback URL that the record repeats', async () => {
    const mine = 'https://bot.example/kie/callback/5f3a';
    const result = await provider.submit({ ...(await request('a cup')), callbackUrl: mine }, never);
    const taskId = result.kind === 'accepted' ? result.taskId : '';
    expect(await provider.echoesCallback(taskId, mine, never)).toBe('yes');
    expect(await provider.echoesCallback(taskId, `${mine}0`, never)).toBe('no');
    expect(await provider.echoesCallback('0'.repeat(32), mine, never)).toBe('unknown');
  });
});

describe('one submit', () => {
  it.each(['process-then-drop', '500', '502-html', 'drop'])(
    'met by %s is unknown, and is not repeated',
    async (fault) => {
      const ask = await request('a cup');
      await order({ method: 'createTask', fault });
      expect(await provider.submit(ask, never)).toEqual({ kind: 'unknown', failure: 'ambiguous' });
      expect(await creates()).toBe(1);
      expect(await tasks()).toBe(fault === 'process-then-drop' ? 1 : 0);
    },
  );

  it('that was taken but answered with an error is unknown', async () => {
    expect(await provider.submit(await request('x [[emu:accept-then-500]]'), never)).toMatchObject({ kind: 'unknown' });
    expect(await tasks()).toBe(1);
  });

  it('ended by its caller while KIE is silent is unknown', async () => {
    const ask = await request('a cup');
    await order({ method: 'createTask', fault: 'hang' });
    expect(await provider.submit(ask, AbortSignal.timeout(300))).toMatchObject({ kind: 'unknown' });
  });

  it('over the rate limit was surely not taken, and says when to come again', async () => {
    const ask = await request('a cup');
    await order({ method: 'createTask', fault: '429', retry_after: 4 });
    expect(await provider.submit(ask, never)).toMatchObject({
      kind: 'refused',
      failure: 'provider-rate',
      certain: true,
      retryAfterSeconds: 4,
    });
  });

  it('that finds nobody was surely not taken', async () => {
    const ask = await request('a cup');
    const { url } = kie;
    await kie.close();
    expect(await client(url).submit(ask, never)).toMatchObject({ kind: 'refused', failure: 'provider-busy' });
    kie = await startKie({ stateDirectory: directory, apiKey });
  });

  it('after a restart of KIE does not stumble over a connection of before', async () => {
    const ask = await request('a cup');
    await kie.close();
    kie = await startKie({ stateDirectory: directory, apiKey, port: Number(new URL(kie.url).port) });
    expect((await provider.submit(ask, never)).kind).toBe('accepted');
  });

  it('with our own mistakes is refused by class, in words without prompt or key', async () => {
    const ask = await request('very secret words');
    const cases: [VideoProvider, SubmitRequest, string][] = [
      [client(kie.url, 'wrong-key'), ask, 'operator-key'],
      [provider, { ...ask, model: 'sora-2-image-to-video' }, 'operator-model'],
      [provider, { ...ask, imageUrl: `${kie.url}/files/nothing.jpg` }, 'operator-url'],
      [provider, { ...ask, prompt: 'very secret words [[emu:refuse-402]]' }, 'operator-balance'],
      [provider, { ...ask, prompt: 'very secret words [[emu:refuse-paused]]' }, 'operator-model'],
    ];
    for (const [by, wrong, failure] of cases) {
      const result = await by.submit(wrong, never);
      expect(result).toMatchObject({ kind: 'refused', failure });
      expect(JSON.stringify(result)).not.toMatch(/secret|wrong-key|http:/);
    }
    expect(await tasks()).toBe(0);
  });
});

describe('one look', () => {
  it('at a task that KIE does not know says unseen', async () => {
    expect(await provider.poll('0'.repeat(32), never)).toEqual({ kind: 'unseen' });
  });

  it('that fails says nothing about the task', async () => {
    const taskId = await accepted('x [[emu:stuck]]');
    for (const fault of ['500', '502-html', 'drop', '429', '400:odd']) {
      await order({ method: 'recordInfo', fault });
      expect((await provider.poll(taskId, never)).kind, fault).toBe('unavailable');
    }
    expect(await provider.poll(taskId, never)).toMatchObject({ kind: 'running' });
    const garbled = await accepted('x [[emu:poll-garbage:1]]');
    expect((await provider.poll(garbled, never)).kind).toBe('unavailable');
  });

  it('at a state nobody has heard of counts as running', async () => {
    const taskId = await accepted('x [[emu:stuck]] [[emu:new-state:pondering]]');
    expect(await provider.poll(taskId, never)).toEqual({ kind: 'running', state: 'pondering' });
  });
});

describe('a download', () => {
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) =>
        error instanceof ProviderError ? { reason: error.reason, retryable: error.retryable } : error,
    );
  const isRefusal = (found: unknown) => /provider-(lost|busy)/.test(JSON.stringify(found));
  const lost = { reason: 'provider-lost', retryable: false };

  it.each(['url-404', 'url-html'])('that meets %s is lost for good', async (tag) => {
    const taskId = await accepted(`x [[emu:${tag}]]`);
    expect(await failure(film(taskId))).toEqual(lost);
  });

  it('that is cut off or refused by a sick host may be tried again', async () => {
    const cut = await accepted('x [[emu:url-trunc]]');
    expect(await failure(film(cut))).toEqual({ reason: 'provider-busy', retryable: true });
    const taskId = await accepted('x');
    await order({ method: 'download', fault: '500' });
    expect(await failure(film(taskId))).toEqual({ reason: 'provider-busy', retryable: true });
    expect((await film(taskId)).length).toBeGreaterThan(1000);
  });

  it('that is too big stops at the limit', async () => {
    const seen = await ended(await accepted('x [[emu:url-big:3]]'));
    const url = seen.kind === 'succeeded' ? (seen.urls[0] ?? '') : '';
    expect(await failure(provider.download(url, 1024 * 1024, never))).toEqual(lost);
  });

  it('reads neither our own network nor plain http elsewhere', async () => {
    const elsewhere = new URL(kie.url);
    elsewhere.port = '1';
    for (const url of [
      elsewhere.href,
      'https://127.0.0.1/x.mp4',
      'http://files.example/x.mp4',
      'https://localhost/x.mp4',
      'nonsense',
    ]) {
      expect(await failure(provider.download(url, maxBytes, never)), url).toSatisfy(isRefusal);
    }
  });
});
