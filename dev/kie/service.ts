import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../stand-ins/exchange.ts';
import type { FaultBoard } from '../stand-ins/faults.ts';
import { jsonReply } from '../stand-ins/http.ts';
import type { Journal } from '../stand-ins/journal.ts';
import { notFound } from './files.ts';
import type { FilmStudio } from './film.ts';
import { stamped } from './film.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { slidingWindow } from './limits.ts';
import type { Store } from './store.ts';
import type { Task } from './task.ts';
import type { openUploads } from './uploads.ts';

/** The calls of KIE's API, by the names that faults and the journal use. */
export const methods = ['upload', 'createTask', 'recordInfo', 'callback', 'download', 'credit', 'downloadUrl'] as const;
export type Method = (typeof methods)[number];

/** Everything one running KIE is made of. */
export type Service = {
  readonly apiKey: string;
  readonly store: Store;
  readonly journal: Journal;
  readonly faults: FaultBoard;
  readonly studio: FilmStudio;
  readonly uploads: ReturnType<typeof openUploads>;
  readonly lifecycle: Lifecycle;
  readonly creates: ReturnType<typeof slidingWindow>;
  readonly polls: ReturnType<typeof slidingWindow>;
  /** How often a prompt with a `refuse-` tag was refused, and a task with a `poll-` tag answered badly. */
  readonly refusals: Map<string, number>;
  /** Prompts of which a task was made, for the `fail-once` tag. */
  readonly failures: Set<string>;
  readonly spoiledPolls: Map<string, number>;
};

/** The task whose film lies at a path. */
export function resultTask(service: Service, url: URL): Task | undefined {
  const taskId = /^\/files\/results\/([0-9a-f]{32})\.mp4$/.exec(url.pathname)?.[1];
  return taskId === undefined ? undefined : service.store.tasks.get(taskId);
}

export async function filmBytes(service: Service, task: Task): Promise<Uint8Array | undefined> {
  if (task.ended !== 'success' || task.film === undefined) return undefined;
  return stamped(await readFile(service.studio.path(task.film)), task.taskId);
}

/** What lies at one of our own URLs: a film or an upload. */
export async function ownBytes(service: Service, url: URL): Promise<Uint8Array | undefined> {
  const task = resultTask(service, url);
  return task === undefined ? service.uploads.read(url.pathname.slice('/files/'.length)) : filmBytes(service, task);
}

/** Our own files are named by the address the client itself used, so that it can reach them from where it is. */
export function baseOf(request: IncomingMessage): string {
  return `http://${request.headers.host ?? '127.0.0.1'}`;
}

export function ok(data: unknown): Answer {
  return { reply: jsonReply(200, { code: 200, msg: 'success', data }), outcome: 'ok' };
}

/** KIE's way of refusing: a code in the body, mostly under HTTP 200. */
export function coded(code: number, msg: string, status = 200, data?: null): Answer {
  const body = data === undefined ? { code, msg } : { code, msg, data };
  return { reply: jsonReply(status, body), outcome: code === 200 ? 'ok' : `code ${code}` };
}

export function missing(): Answer {
  return { reply: notFound(), outcome: 'http 404' };
}
