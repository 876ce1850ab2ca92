import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import type { Answer, Exchange } from '../stand-ins/exchange.ts';
import { controlReply, serve } from '../stand-ins/exchange.ts';
import type { Fault } from '../stand-ins/faults.ts';
import { createFaultBoard } from '../stand-ins/faults.ts';
import type { Reply } from '../stand-ins/http.ts';
import { BadRequest, bearerOf, isLoopback, jsonReply, listen, readJson, send } from '../stand-ins/http.ts';
import type { OpenCall } from '../stand-ins/journal.ts';
import { openJournal } from '../stand-ins/journal.ts';
import { createTask } from './create.ts';
import { fileReply, notFound } from './files.ts';
import { openStudio, stamped } from './film.ts';
import { createLifecycle } from './lifecycle.ts';
import { slidingWindow } from './limits.ts';
import { behaviourSchema, openStore } from './store.ts';
import { tagsOf } from './tags.ts';
import type { Task } from './task.ts';
import { recordOf, resultUrl, stateOf } from './task.ts';
import { openUploads, readUpload } from './uploads.ts';

export type KieOptions = {
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly stateDirectory: string;
  readonly apiKey: string;
  /** How long a task takes unless told otherwise. */
  readonly seconds?: number;
  /** With it callbacks are signed. */
  readonly webhookKey?: string;
};

export type Kie = { readonly url: string; close(): Promise<void> };

const methods = ['upload', 'createTask', 'recordInfo', 'callback', 'download', 'credit', 'downloadUrl'] as const;
type Method = (typeof methods)[number];
const noAccess = { code: 401, msg: 'You do not have access permissions' };
const dayMs = 86_400_000;

/** Plays api.kie.ai, its upload host and its file host on one port; see `docs/development/stand-ins.md`. */
export async function startKie(options: KieOptions): Promise<Kie> {
  const store = openStore(options.stateDirectory, {
    seconds: options.seconds ?? 6,
    outcome: 'success',
    failCode: '500',
    failMsg: 'Internal Error, Please try again later.',
    balance: 100_000,
    createsPerTenSeconds: 20,
    pollsPerSecond: 10,
  });
  const journal = openJournal(options.stateDirectory);
  const faults = createFaultBoard(methods);
  const studio = openStudio(join(options.stateDirectory, 'films'));
  const uploads = openUploads(join(options.stateDirectory, 'uploads'));
  const balance = () => store.behaviour.balance;
  const lifecycle = createLifecycle(options.stateDirectory, store, studio, {
    journal,
    faults,
    balance,
    webhookKey: options.webhookKey,
  });
  const creates = slidingWindow(10_000);
  const polls = slidingWindow(1000);
  const refusals = new Map<string, number>();
  const spoiledPolls = new Map<string, number>();

  async function answerCreate(request: IncomingMessage, response: ServerResponse, call: OpenCall): Promise<Answer> {
    if (!creates.allow(options.apiKey, store.behaviour.createsPerTenSeconds)) {
      return coded(429, 'Your call frequency is too high. Please try again later.', 429);
    }
    const base = baseOf(request);
    const ownFile = (url: URL) =>
      url.origin === base && url.pathname.startsWith('/files/') ? ownBytes(url) : undefined;
    const created = await createTask(await readJson(request), { behaviour: store.behaviour, base, ownFile, refusals });
    if ('code' in created) return coded(created.code, created.msg);
    const { task, image, tags } = created;
    if (image !== undefined) await lifecycle.keepImage(image);
    store.save(task);
    call.setTask(task.taskId);
    if (tags.has('cb-before-reply')) await lifecycle.endNow(task);
    else lifecycle.run(task);
    if (tags.has('accept-then-drop')) return { ...coded(200, 'success'), dropped: true };
    if (tags.has('accept-then-500')) return coded(500, 'Server exception', 500);
    if (tags.has('accept-then-hang')) {
      await new Promise((resolve) => response.once('close', resolve));
      return { ...coded(200, 'success'), dropped: true };
    }
    return ok({ taskId: task.taskId });
  }

  function answerRecord(url: URL, call: OpenCall): Answer {
    if (!polls.allow(options.apiKey, store.behaviour.pollsPerSecond)) return coded(429, 'Rate limit exceeded');
    const taskId = url.searchParams.get('taskId');
    if (taskId === null || taskId === '') return coded(400, 'taskId parameter is required');
    const task = store.tasks.get(taskId);
    if (task === undefined) return coded(422, 'recordInfo is null', 200, null);
    call.setTask(taskId);
    const tags = tagsOf(task.prompt);
    const unseen = tags.number('unseen', 5);
    if (unseen !== undefined && Date.now() - task.createdAt < unseen * 1000) {
      return coded(422, 'recordInfo is null', 200, null);
    }
    const spoiled = spoiledPolls.get(taskId) ?? 0;
    const spoil = tags.startingWith('poll-');
    if (spoil !== undefined && spoiled < (tags.number(spoil.name, 3) ?? 3)) {
      spoiledPolls.set(taskId, spoiled + 1);
      if (spoil.name === 'poll-5xx') return coded(500, 'Server exception', 500);
      if (spoil.name === 'poll-429') return coded(429, 'Rate limit exceeded');
      return {
        reply: { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{"code":20') },
        outcome: 'garbage',
      };
    }
    return ok(recordOf(task, Date.now(), tags.value('new-state')));
  }

  async function answerUpload(path: string, request: IncomingMessage): Promise<Answer> {
    const kind = path === '/api/file-stream-upload' ? 'stream' : path === '/api/file-base64-upload' ? 'base64' : 'url';
    const upload = await readUpload(kind, request);
    const filePath = await uploads.save(upload);
    const now = Date.now();
    const data = {
      fileName: upload.fileName,
      filePath,
      downloadUrl: `${baseOf(request)}/files/${filePath}`,
      fileSize: upload.bytes.length,
      mimeType: upload.mime,
      uploadedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + dayMs).toISOString(),
    };
    return {
      reply: jsonReply(200, { success: true, code: 200, msg: 'File uploaded successfully', data }),
      outcome: 'ok',
    };
  }

  async function answerFile(url: URL, request: IncomingMessage, call: OpenCall): Promise<Answer> {
    const task = resultTask(url);
    if (task === undefined) {
      const bytes = await ownBytes(url);
      return bytes === undefined ? missing() : { reply: fileReply(request, url.pathname, bytes), outcome: 'ok' };
    }
    call.setTask(task.taskId);
    const bytes = await filmBytes(task);
    if (bytes === undefined) return missing();
    const tags = tagsOf(task.prompt);
    if (tags.has('url-404')) return missing();
    const big = tags.number('url-big', 60);
    const body = big === undefined ? bytes : Buffer.concat([bytes], Math.round(big * 1024 * 1024));
    const reply = fileReply(request, url.pathname, body);
    if (tags.has('url-html')) {
      return { reply: { ...reply, headers: { 'content-type': 'text/html' }, body: notFound().body }, outcome: 'html' };
    }
    if (tags.has('url-trunc'))
      return { reply: { ...reply, cutAfter: Math.floor(body.length / 2) }, outcome: 'truncated' };
    return { reply, outcome: 'ok' };
  }

  function resultTask(url: URL): Task | undefined {
    const taskId = /^\/files\/results\/([0-9a-f]{32})\.mp4$/.exec(url.pathname)?.[1];
    return taskId === undefined ? undefined : store.tasks.get(taskId);
  }

  async function filmBytes(task: Task): Promise<Uint8Array | undefined> {
    if (task.ended !== 'success' || task.film === undefined) return undefined;
    return stamped(await readFile(studio.path(task.film)), task.taskId);
  }

  /** What lies at one of our own URLs. */
  async function ownBytes(url: URL): Promise<Uint8Array | undefined> {
    const task = resultTask(url);
    return task === undefined ? uploads.read(url.pathname.slice('/files/'.length)) : filmBytes(task);
  }

  async function answerDownloadUrl(request: IncomingMessage): Promise<Answer> {
    const body = z.object({ url: z.url() }).safeParse(await readJson(request));
    const known = body.success && [...store.tasks.values()].some((task) => resultUrl(task) === body.data.url);
    return known ? ok(`${body.data.url}?temporary=1`) : coded(422, 'The url is not a generated file of this account');
  }

  /** One call of the real API, authorised. */
  function process(method: Method, exchange: Exchange, url: URL, call: OpenCall): Promise<Answer> | Answer {
    const { request, response } = exchange;
    if (method === 'download') return answerFile(url, request, call);
    if (bearerOf(request) !== options.apiKey) return coded(noAccess.code, noAccess.msg);
    if (method === 'createTask') return answerCreate(request, response, call);
    if (method === 'recordInfo') return answerRecord(url, call);
    if (method === 'upload') return answerUpload(url.pathname, request);
    return method === 'credit' ? ok(balance()) : answerDownloadUrl(request);
  }

  async function control(url: URL, request: IncomingMessage): Promise<Reply> {
    if (!isLoopback(request))
      return jsonReply(403, { ok: false, error: 'The control interface is for this machine only.' });
    const method = request.method ?? 'GET';
    const common = await controlReply(method, url, () => readJson(request), { faults, journal });
    if (common !== undefined) return common;
    if (url.pathname === '/dev/tasks' && method === 'GET')
      return jsonReply(200, [...store.tasks.values()].map(taskRow));
    if (url.pathname === '/dev/behaviour' && method === 'GET') return jsonReply(200, store.behaviour);
    if (url.pathname === '/dev/behaviour' && method === 'PATCH') {
      const change = behaviourSchema.partial().safeParse(await readJson(request));
      if (!change.success) return jsonReply(400, { ok: false, error: z.prettifyError(change.error) });
      const given = Object.entries(change.data).filter(([, value]) => value !== undefined);
      store.change(Object.fromEntries(given));
      return jsonReply(200, store.behaviour);
    }
    return jsonReply(404, { ok: false, error: `There is no ${method} ${url.pathname} here.` });
  }

  const listening = await listen('kie', options.host ?? '127.0.0.1', options.port ?? 0, async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://kie.invalid');
    url.host = request.headers.host ?? 'kie.invalid';
    if (url.pathname.startsWith('/dev/')) {
      send(response, await refusedAsReply(() => control(url, request)));
      return;
    }
    const method = methodOf(request.method ?? 'GET', url.pathname);
    if (method === undefined) {
      send(response, jsonReply(200, { code: 404, msg: 'Not found' }));
      return;
    }
    const exchange = { method, request, response, journal, faults, refusal: refusalFor(method) };
    await serve(exchange, (call) => answerOrRefusal(async () => process(method, exchange, url, call)));
  });

  return {
    url: listening.url,
    async close() {
      lifecycle.close();
      await listening.close();
      await studio.close();
    },
  };
}

function methodOf(verb: string, path: string): Method | undefined {
  if (path.startsWith('/files/')) return verb === 'GET' || verb === 'HEAD' ? 'download' : undefined;
  if (verb === 'GET') {
    if (path === '/api/v1/jobs/recordInfo') return 'recordInfo';
    return path === '/api/v1/chat/credit' ? 'credit' : undefined;
  }
  if (verb !== 'POST') return undefined;
  if (path === '/api/v1/jobs/createTask') return 'createTask';
  if (path === '/api/v1/common/download-url') return 'downloadUrl';
  return /^\/api\/file-(stream|base64|url)-upload$/.test(path) ? 'upload' : undefined;
}

/** Our own files are named by the address the client itself used, so that it can reach them from where it is. */
function baseOf(request: IncomingMessage): string {
  return `http://${request.headers.host ?? '127.0.0.1'}`;
}

function taskRow(task: Task): unknown {
  return {
    taskId: task.taskId,
    model: task.model,
    createdAt: task.createdAt,
    ...(task.finishedAt === undefined ? {} : { finishedAt: task.finishedAt }),
    state: stateOf(task, Date.now()),
    paid: task.charged > 0,
    creditsConsumed: task.charged,
    prompt: task.prompt,
    imageSha256: task.imageSha256 ?? null,
    callBackUrl: task.callBackUrl ?? null,
  };
}

function ok(data: unknown): Answer {
  return { reply: jsonReply(200, { code: 200, msg: 'success', data }), outcome: 'ok' };
}

/** KIE's way of refusing: a code in the body, mostly under HTTP 200. */
function coded(code: number, msg: string, status = 200, data?: null): Answer {
  const body = data === undefined ? { code, msg } : { code, msg, data };
  return { reply: jsonReply(status, body), outcome: code === 200 ? 'ok' : `code ${code}` };
}

function missing(): Answer {
  return { reply: notFound(), outcome: 'http 404' };
}

async function answerOrRefusal(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BadRequest) return coded(error.status, error.message);
    throw error;
  }
}

async function refusedAsReply(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BadRequest) return jsonReply(error.status, { ok: false, error: error.message });
    throw error;
  }
}

const texts: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  429: 'Your call frequency is too high. Please try again later.',
  500: 'Internal Error, Please try again later.',
};

/** An ordered refusal: plain faults at the HTTP level, `400:<text>` as a code inside an HTTP 200; files know only HTTP. */
function refusalFor(method: Method): (code: number, text: string, fault: Fault) => Reply {
  return (code, text, fault) => {
    const status = text !== '' && method !== 'download' ? 200 : code;
    const headers: Record<string, string> =
      fault.retry_after === undefined ? {} : { 'retry-after': String(fault.retry_after) };
    return jsonReply(status, { code, msg: text === '' ? (texts[code] ?? 'error') : text }, headers);
  };
}
