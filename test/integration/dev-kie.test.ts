import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Kie } from '../../dev/kie/server.ts';
import { startKie } from '../../dev/kie/server.ts';

const apiKey = 'test-key-of-the-kie-test';
const envelope = z.object({ code: z.number(), msg: z.string(), data: z.unknown().optional() });
const record = z.object({
  taskId: z.string(),
  state: z.string(),
  param: z.string(),
  resultJson: z.string(),
  failCode: z.string(),
  failMsg: z.string(),
  createTime: z.number(),
  creditsConsumed: z.number().optional(),
});
const taskRows = z.array(
  z.object({
    taskId: z.string(),
    state: z.string(),
    paid: z.boolean(),
    createdAt: z.number(),
    finishedAt: z.number().optional(),
    imageSha256: z.string().nullable(),
    callBackUrl: z.string().nullable(),
  }),
);
const journalRows = z.array(z.object({ method: z.string(), outcome: z.string(), taskId: z.string().optional() }));

let directory: string;
let kie: Kie;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neurocards-kie-'));
  kie = await startKie({ stateDirectory: directory, apiKey, seconds: 0.3 });
});

afterEach(async () => {
  await kie.close();
  await rm(directory, { recursive: true, force: true });
});

const cup = () => readFile('dev/photos/coffee-cup.jpg');
const person = () => readFile('dev/photos/person.jpg');

function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = {
    authorization: `Bearer ${apiKey}`,
    ...(init.body instanceof FormData ? {} : { 'content-type': 'application/json' }),
  };
  return fetch(`${kie.url}${path}`, { headers, ...init });
}

async function said(response: Promise<Response>) {
  return envelope.parse(await (await response).json());
}

async function upload(bytes: Uint8Array, name = 'photo.jpg'): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([Uint8Array.from(bytes)], { type: 'image/jpeg' }), name);
  form.set('uploadPath', 'photos');
  form.set('fileName', name);
  const answer = await said(call('/api/file-stream-upload', { method: 'POST', body: form }));
  return z.object({ downloadUrl: z.string() }).parse(answer.data).downloadUrl;
}

function create(input: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Response> {
  const body = { model: 'bytedance/seedance-2-fast', input: { duration: 5, aspect_ratio: '9:16', ...input }, ...more };
  return call('/api/v1/jobs/createTask', { method: 'POST', body: JSON.stringify(body) });
}

async function newTask(input: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<string> {
  const answer = await said(create(input, more));
  expect(answer).toMatchObject({ code: 200, msg: 'success' });
  return z.object({ taskId: z.string().regex(/^[0-9a-f]{32}$/) }).parse(answer.data).taskId;
}

function look(taskId: string) {
  return said(call(`/api/v1/jobs/recordInfo?taskId=${taskId}`));
}

async function until<T>(what: string, read: () => Promise<T | undefined>, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await sleep(150);
  }
}

function ended(taskId: string) {
  return until(`the end of task ${taskId}`, async () => {
    const found = record.safeParse((await look(taskId)).data).data;
    return found?.state === 'success' || found?.state === 'fail' ? found : undefined;
  });
}

async function dev(method: string, path: string, body?: unknown): Promise<unknown> {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(`${kie.url}/dev/${path}`, init);
  expect(response.status).toBe(200);
  return response.json();
}

async function tasks() {
  return taskRows.parse(await dev('GET', 'tasks'));
}

function resultUrl(resultJson: string): string {
  const [url] = z.object({ resultUrls: z.array(z.string()) }).parse(JSON.parse(resultJson)).resultUrls;
  return url ?? '';
}

describe('a task that goes well', () => {
  it('ends in a small film of the photo that plays, costs credits once and is told by callback', async () => {
    const callbacks: unknown[] = [];
    const listener = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        callbacks.push(JSON.parse(Buffer.concat(chunks).toString()));
        response.end('ok');
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    const callBackUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/kie/callback/abc`;
    try {
      const photo = await cup();
      const before = z.number().parse((await said(call('/api/v1/chat/credit'))).data);
      const taskId = await newTask({ prompt: 'a cup', first_frame_url: await upload(photo) }, { callBackUrl });
      const done = await ended(taskId);
      expect(done.state).toBe('success');
      expect(done.creditsConsumed).toBe(60);
      expect(JSON.parse(done.param)).toMatchObject({ callBackUrl, model: 'bytedance/seedance-2-fast' });
      expect((await said(call('/api/v1/chat/credit'))).data).toBe(before - 60);

      const url = resultUrl(done.resultJson);
      const film = new Uint8Array(await (await fetch(url)).arrayBuffer());
      expect(film.length).toBeLessThan(300_000);
      const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(film) });
      const track = await input.getPrimaryVideoTrack();
      expect(await input.computeDuration()).toBeGreaterThan(2);
      expect(await track?.getCodecParameterString()).toMatch(/^avc1/);
      const part = await fetch(url, { headers: { range: 'bytes=4-7' } });
      expect(part.status).toBe(206);
      expect(await part.text()).toBe('ftyp');

      const [row] = await tasks();
      expect(row).toMatchObject({ taskId, state: 'success', paid: true, callBackUrl });
      expect(row?.imageSha256).toBe(createHash('sha256').update(photo).digest('hex'));
      expect(row?.finishedAt).toBeGreaterThan(row?.createdAt ?? 0);
      await until('the callback', async () => callbacks[0]);
      expect(callbacks[0]).toMatchObject({ code: 200, data: { taskId, state: 'success', consumeCredits: 60 } });
    } finally {
      listener.close();
    }
  });

  it('gives every task a film of its own, also from the same photo', async () => {
    const first_frame_url = await upload(await cup());
    const films: string[] = [];
    for (const prompt of ['one', 'two']) {
      const done = await ended(await newTask({ prompt, first_frame_url }));
      const bytes = await (await fetch(resultUrl(done.resultJson))).arrayBuffer();
      films.push(createHash('sha256').update(Buffer.from(bytes)).digest('hex'));
    }
    expect(films[0]).not.toBe(films[1]);
  });
});

describe('the person in the photo', () => {
  it('is refused in KIE words, free of charge, also after messenger recompression and our normalising', async () => {
    const original = await person();
    const variants = [
      original,
      await sharp(original).resize(1280, 1280).jpeg({ quality: 60 }).toBuffer(),
      await sharp(original).resize(320, 320).webp({ quality: 50 }).toBuffer(),
    ];
    for (const variant of variants) {
      const done = await ended(await newTask({ prompt: 'me', first_frame_url: await upload(variant) }));
      expect(done).toMatchObject({ state: 'fail', failCode: '422', creditsConsumed: 0, resultJson: '' });
      expect(done.failMsg).toContain('may contain real person');
    }
    expect((await tasks()).map((task) => task.paid)).toEqual([false, false, false]);
  });

  it('is not seen in other photos', async () => {
    for (const name of ['cat', 'coffee-cup']) {
      const photo = await readFile(`dev/photos/${name}.jpg`);
      const bigger = await sharp(photo).resize({ width: 600 }).toBuffer();
      expect((await ended(await newTask({ prompt: name, first_frame_url: await upload(bigger) }))).state).toBe(
        'success',
      );
    }
  });
});

describe('refusals', () => {
  it('are codes inside HTTP 200, in KIE words', async () => {
    const first_frame_url = await upload(await cup());
    const url = { prompt: 'a cup', first_frame_url };
    const cases: [Promise<Response>, number, RegExp][] = [
      [create({}), 500, /This field is required/],
      [create({ ...url, duration: '5' }), 500, /not within the range of allowed options/],
      [create(url, { model: 'sora-2-image-to-video' }), 500, /temporarily paused/],
      [create(url, { model: 'nobody/knows' }), 422, /model name you specified is not supported/],
      [create({ prompt: 'x'.repeat(20_001), first_frame_url }), 422, /./],
      [
        create({ prompt: 'a cup', first_frame_url: `${kie.url}/files/photos/nothing.jpg` }),
        451,
        /Failed to fetch the image/,
      ],
      [
        create({ prompt: 'a cup', first_frame_url: await upload(Buffer.from('not a photo')) }),
        422,
        /File type not supported/,
      ],
      [call('/api/v1/jobs/recordInfo?taskId=00000000000000000000000000000000'), 422, /recordInfo is null/],
      [call('/api/v1/jobs/recordInfo'), 400, /taskId parameter is required/],
      [call('/api/v1/chat/credit', { headers: {} }), 401, /You do not have access permissions/],
    ];
    for (const [pending, code, words] of cases) {
      const response = await pending;
      expect(response.status).toBe(200);
      const answer = z.object({ code: z.number(), msg: z.string() }).parse(await response.json());
      expect(answer.code, answer.msg).toBe(code);
      expect(answer.msg).toMatch(words);
    }
    expect(await tasks()).toEqual([]);
  });

  it('come when the balance is used up, before anything is made', async () => {
    await dev('PATCH', 'behaviour', { balance: 1 });
    const answer = await said(create({ prompt: 'a cup', first_frame_url: await upload(await cup()) }));
    expect(answer).toMatchObject({ code: 402 });
    expect(await tasks()).toEqual([]);
  });

  it('come as HTTP 429 after 20 creates within 10 s, and as code 429 after 10 looks within a second', async () => {
    await dev('PATCH', 'behaviour', { seconds: 60 });
    const first_frame_url = await upload(await cup());
    const creates = await Promise.all(
      Array.from({ length: 22 }, (_, index) => create({ prompt: `cup ${index}`, first_frame_url })),
    );
    expect(creates.filter((response) => response.status === 429)).toHaveLength(2);
    expect(await tasks()).toHaveLength(20);
    const taskId = (await tasks())[0]?.taskId ?? '';
    const codes = (await Promise.all(Array.from({ length: 14 }, () => look(taskId)))).map((answer) => answer.code);
    expect(codes.filter((code) => code === 429).length).toBeGreaterThanOrEqual(3);
  });
});

describe('trouble on order', () => {
  it('process-then-drop makes the task and drops the answer; drop makes none', async () => {
    const input = { prompt: 'a cup', first_frame_url: await upload(await cup()) };
    await dev('POST', 'faults', { method: 'createTask', fault: 'process-then-drop', times: 1 });
    await expect(create(input)).rejects.toThrow();
    expect(await tasks()).toHaveLength(1);
    await dev('POST', 'faults', { method: 'createTask', fault: 'drop', times: 1 });
    await expect(create(input)).rejects.toThrow();
    expect(await tasks()).toHaveLength(1);
    await newTask(input);
  });

  it('answers with each ordered refusal once, and with none after DELETE', async () => {
    const cases: [string, number, string][] = [
      ['429', 429, 'call frequency is too high'],
      ['403', 403, 'Forbidden'],
      ['500', 500, 'Internal Error'],
      ['400:the prompt is odd', 200, 'the prompt is odd'],
      ['502-html', 502, '<html>'],
    ];
    for (const [fault, status, text] of cases) {
      await dev('POST', 'faults', { method: 'recordInfo', fault, times: 1, retry_after: 7 });
      const response = await call('/api/v1/jobs/recordInfo?taskId=x');
      expect(response.status).toBe(status);
      expect(await response.text()).toContain(text);
      if (fault === '429') expect(response.headers.get('retry-after')).toBe('7');
    }
    await dev('POST', 'faults', { method: 'recordInfo', fault: 'hang', times: 5 });
    await expect(call('/api/v1/jobs/recordInfo?taskId=x', { signal: AbortSignal.timeout(300) })).rejects.toThrow();
    await dev('DELETE', 'faults');
    expect((await look('x')).code).toBe(422);
  });

  it('refuses a fault it does not know with a sentence', async () => {
    const response = await fetch(`${kie.url}/dev/faults`, {
      method: 'POST',
      body: JSON.stringify({ method: 'sendVideo', fault: 'drop' }),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('createTask');
  });

  it('obeys tags in one prompt only', async () => {
    const first_frame_url = await upload(await cup());
    const failed = await ended(
      await newTask({ prompt: 'x [[emu:fail:400:photorealistic people detected]]', first_frame_url }),
    );
    expect(failed).toMatchObject({ state: 'fail', failCode: '400', failMsg: 'photorealistic people detected' });
    const one = { prompt: 'y [[emu:fail-once:400:photorealistic people detected]]', first_frame_url };
    expect(await ended(await newTask(one))).toMatchObject({ state: 'fail', failCode: '400' });
    expect(await ended(await newTask(one))).toMatchObject({ state: 'success' });
    await expect(create({ prompt: 'x [[emu:accept-then-drop]]', first_frame_url })).rejects.toThrow();
    expect((await create({ prompt: 'x [[emu:accept-then-500]]', first_frame_url })).status).toBe(500);
    expect(await tasks()).toHaveLength(5);
    expect(await look(await newTask({ prompt: 'x [[emu:unseen:60]]', first_frame_url }))).toMatchObject({
      code: 422,
      data: null,
    });
    const odd = await look(await newTask({ prompt: 'x [[emu:stuck]] [[emu:new-state:pondering]]', first_frame_url }));
    expect(record.parse(odd.data).state).toBe('pondering');
    const gone = await ended(await newTask({ prompt: 'x [[emu:url-404]]', first_frame_url }));
    expect((await fetch(resultUrl(gone.resultJson))).status).toBe(404);
    const cut = await ended(await newTask({ prompt: 'x [[emu:url-trunc]]', first_frame_url }));
    await expect(fetch(resultUrl(cut.resultJson)).then((response) => response.arrayBuffer())).rejects.toThrow();
    await newTask({ prompt: 'plain', first_frame_url });
  });

  it('writes every call into the journal with outcome and task, and never the key', async () => {
    const taskId = await newTask({ prompt: 'secret words', first_frame_url: await upload(await cup()) });
    await ended(taskId);
    const text = JSON.stringify(await dev('GET', 'journal'));
    expect(text).not.toContain(apiKey);
    expect(text).not.toContain('secret words');
    const creates = journalRows.parse(await dev('GET', 'journal?method=createTask'));
    expect(creates).toMatchObject([{ method: 'createTask', outcome: 'ok', taskId }]);
  });
});

describe('its own restart', () => {
  it('keeps tasks, balance, uploads and journal, and lets running tasks end', async () => {
    await dev('PATCH', 'behaviour', { seconds: 1, balance: 500 });
    const first_frame_url = await upload(await cup());
    const taskId = await newTask({ prompt: 'a cup', first_frame_url });
    await kie.close();
    kie = await startKie({ stateDirectory: directory, apiKey, port: Number(new URL(kie.url).port) });
    // A pooled connection of before the restart may still be tried once.
    await until('an answer', () => look(taskId).catch(() => undefined));
    expect((await ended(taskId)).state).toBe('success');
    expect((await said(call('/api/v1/chat/credit'))).data).toBe(440);
    expect(journalRows.parse(await dev('GET', 'journal?method=createTask'))).toHaveLength(1);
    expect((await fetch(first_frame_url)).status).toBe(200);
  });

  it('knows every task it answered for after SIGKILL', async () => {
    const state = await mkdtemp(join(tmpdir(), 'neurocards-kie-killed-'));
    const command = ['dev/stand-ins/main.ts', '--only', 'kie', '--seconds', '60', '--state', state];
    const env = { NEUROCARDS_KIE_API_KEY: apiKey };
    const running: ChildProcess[] = [];
    const start = async (): Promise<string> => {
      const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      running.push(child);
      const [line] = z.tuple([z.instanceof(Buffer)]).parse(await once(child.stdout, 'data'));
      return z.object({ kie: z.string() }).parse(JSON.parse(line.toString())).kie;
    };
    const stop = async (): Promise<void> => {
      const child = running.pop();
      if (child === undefined) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    const inner = kie;
    try {
      kie = { ...inner, url: await start() };
      const taskId = await newTask({ prompt: 'a cup', first_frame_url: await upload(await cup()) });
      await stop();
      kie = { ...inner, url: await start() };
      expect((await tasks()).map((task) => task.taskId)).toEqual([taskId]);
      expect(record.parse((await look(taskId)).data).state).toBe('waiting');
    } finally {
      kie = inner;
      await stop();
      await rm(state, { recursive: true, force: true });
    }
  });
});
