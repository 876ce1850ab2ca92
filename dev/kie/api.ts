import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Answer } from '../stand-ins/exchange.ts';
import { bearerOf, jsonReply, readJson } from '../stand-ins/http.ts';
import type { OpenCall } from '../stand-ins/journal.ts';
import { createTask } from './create.ts';
import { fileReply, notFound } from './files.ts';
import type { Method, Service } from './service.ts';
import { baseOf, coded, filmBytes, missing, ok, ownBytes, resultTask } from './service.ts';
import { tagsOf } from './tags.ts';
import { recordOf, resultUrl } from './task.ts';
import { readUpload } from './uploads.ts';

const dayMs = 86_400_000;

/** Answers one call of the real API; everything but files needs the key. */
export async function answerCall(
  service: Service,
  method: Method,
  url: URL,
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
  call: OpenCall,
): Promise<Answer> {
  const { request, response } = exchange;
  if (method === 'download') return answerFile(service, url, request, call);
  if (bearerOf(request) !== service.apiKey) return coded(401, 'You do not have access permissions');
  switch (method) {
    case 'createTask':
      return answerCreate(service, request, response, call);
    case 'recordInfo':
      return answerRecord(service, url, call);
    case 'upload':
      return answerUpload(service, url.pathname, request);
    case 'downloadUrl':
      return answerDownloadUrl(service, request);
    default:
      return ok(service.store.behaviour.balance);
  }
}

async function answerCreate(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  call: OpenCall,
): Promise<Answer> {
  const { store, lifecycle, refusals, failures } = service;
  if (!service.creates.allow(service.apiKey, store.behaviour.createsPerTenSeconds)) {
    return coded(429, 'Your call frequency is too high. Please try again later.', 429);
  }
  const base = baseOf(request);
  const isOurs = (url: URL) => url.origin === base && url.pathname.startsWith('/files/');
  const ownFile = (url: URL) => (isOurs(url) ? ownBytes(service, url) : undefined);
  const created = await createTask(await readJson(request), {
    behaviour: store.behaviour,
    base,
    ownFile,
    refusals,
    failures,
  });
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
  return late(ok({ taskId: task.taskId }), tags.number('accept-then-slow', 5));
}

function answerRecord(service: Service, url: URL, call: OpenCall): Answer {
  if (!service.polls.allow(service.apiKey, service.store.behaviour.pollsPerSecond)) {
    return coded(429, 'Rate limit exceeded');
  }
  const taskId = url.searchParams.get('taskId');
  if (taskId === null || taskId === '') return coded(400, 'taskId parameter is required');
  const task = service.store.tasks.get(taskId);
  if (task === undefined) return coded(422, 'recordInfo is null', 200, null);
  call.setTask(taskId);
  const tags = tagsOf(task.prompt);
  const unseen = tags.number('unseen', 5);
  if (unseen !== undefined && Date.now() - task.createdAt < unseen * 1000) {
    return coded(422, 'recordInfo is null', 200, null);
  }
  return spoiledAnswer(service, taskId, task.prompt) ?? ok(recordOf(task, Date.now(), tags.value('new-state')));
}

/** The first answers about a task whose prompt has a `poll-` tag are bad ones. */
function spoiledAnswer(service: Service, taskId: string, prompt: string): Answer | undefined {
  const tags = tagsOf(prompt);
  const spoil = tags.startingWith('poll-');
  const before = service.spoiledPolls.get(taskId) ?? 0;
  if (spoil === undefined || before >= (tags.number(spoil.name, 3) ?? 3)) return undefined;
  service.spoiledPolls.set(taskId, before + 1);
  if (spoil.name === 'poll-5xx') return coded(500, 'Server exception', 500);
  if (spoil.name === 'poll-429') return coded(429, 'Rate limit exceeded');
  const headers = { 'content-type': 'application/json' };
  return { reply: { status: 200, headers, body: Buffer.from('{"code":20') }, outcome: 'garbage' };
}

async function answerUpload(service: Service, path: string, request: IncomingMessage): Promise<Answer> {
  const kind = path === '/api/file-stream-upload' ? 'stream' : path === '/api/file-base64-upload' ? 'base64' : 'url';
  const upload = await readUpload(kind, request);
  const filePath = await service.uploads.save(upload);
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
  const body = { success: true, code: 200, msg: 'File uploaded successfully', data };
  return { reply: jsonReply(200, body), outcome: 'ok' };
}

async function answerFile(service: Service, url: URL, request: IncomingMessage, call: OpenCall): Promise<Answer> {
  const task = resultTask(service, url);
  if (task === undefined) {
    const bytes = await ownBytes(service, url);
    return bytes === undefined ? missing() : { reply: fileReply(request, url.pathname, bytes), outcome: 'ok' };
  }
  call.setTask(task.taskId);
  const tags = tagsOf(task.prompt);
  const bytes = tags.has('url-404') ? undefined : await filmBytes(service, task);
  if (bytes === undefined) return missing();
  const megabytes = tags.number('url-big', 60);
  const body = megabytes === undefined ? bytes : Buffer.concat([bytes], Math.round(megabytes * 1024 * 1024));
  const reply = fileReply(request, url.pathname, body);
  if (tags.has('url-html')) {
    return { reply: { ...reply, headers: { 'content-type': 'text/html' }, body: notFound().body }, outcome: 'html' };
  }
  if (tags.has('url-trunc'))
    return { reply: { ...reply, cutAfter: Math.floor(body.length / 2) }, outcome: 'truncated' };
  return late({ reply, outcome: 'ok' }, tags.number('url-slow', 5));
}

function late(answer: Answer, seconds: number | undefined): Answer {
  return seconds === undefined ? answer : { ...answer, afterSeconds: seconds };
}

async function answerDownloadUrl(service: Service, request: IncomingMessage): Promise<Answer> {
  const body = z.object({ url: z.url() }).safeParse(await readJson(request));
  const known = body.success && [...service.store.tasks.values()].some((task) => resultUrl(task) === body.data.url);
  return known ? ok(`${body.data.url}?temporary=1`) : coded(422, 'The url is not a generated file of this account');
}
