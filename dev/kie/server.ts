import { join } from 'node:path';
import type { Answer } from '../stand-ins/exchange.ts';
import { serve } from '../stand-ins/exchange.ts';
import type { Fault } from '../stand-ins/faults.ts';
import { createFaultBoard } from '../stand-ins/faults.ts';
import type { Reply } from '../stand-ins/http.ts';
import { BadRequest, jsonReply, listen, send } from '../stand-ins/http.ts';
import { openJournal } from '../stand-ins/journal.ts';
import { answerCall } from './api.ts';
import { controlAnswer } from './control.ts';
import { openStudio } from './film.ts';
import { createLifecycle } from './lifecycle.ts';
import { slidingWindow } from './limits.ts';
import type { Method, Service } from './service.ts';
import { coded, methods } from './service.ts';
import { openStore } from './store.ts';
import { openUploads } from './uploads.ts';

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

/**
 * Plays api.kie.ai, its upload host and its file host on one port; see `docs/development/stand-ins.md`.
 * @throws DevEnvironmentError `PortTaken`.
 */
export async function startKie(options: KieOptions): Promise<Kie> {
  const service = openService(options);
  const listening = await listen('kie', options.host ?? '127.0.0.1', options.port ?? 0, async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://kie.invalid');
    if (url.pathname.startsWith('/dev/')) {
      send(response, await controlAnswer(service, url, request));
      return;
    }
    const method = methodOf(request.method ?? 'GET', url.pathname);
    if (method === undefined) {
      send(response, jsonReply(200, { code: 404, msg: 'Not found' }));
      return;
    }
    const { journal, faults } = service;
    const exchange = { method, request, response, journal, faults, refusal: refusalFor(method) };
    await serve(exchange, (call) => answerOrRefusal(() => answerCall(service, method, url, exchange, call)));
  });
  return {
    url: listening.url,
    async close() {
      service.lifecycle.close();
      await listening.close();
      await service.studio.close();
    },
  };
}

function openService(options: KieOptions): Service {
  const { stateDirectory } = options;
  const store = openStore(stateDirectory, {
    seconds: options.seconds ?? 6,
    outcome: 'success',
    failCode: '500',
    failMsg: 'Internal Error, Please try again later.',
    balance: 100_000,
    createsPerTenSeconds: 20,
    pollsPerSecond: 10,
  });
  const journal = openJournal(stateDirectory);
  const faults = createFaultBoard(methods);
  const studio = openStudio(join(stateDirectory, 'films'));
  const balance = () => store.behaviour.balance;
  const callback = { journal, faults, balance, webhookKey: options.webhookKey };
  return {
    apiKey: options.apiKey,
    store,
    journal,
    faults,
    studio,
    uploads: openUploads(join(stateDirectory, 'uploads')),
    lifecycle: createLifecycle(stateDirectory, store, studio, callback),
    creates: slidingWindow(10_000),
    polls: slidingWindow(1000),
    refusals: new Map(),
    failures: new Set(),
    spoiledPolls: new Map(),
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

async function answerOrRefusal(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BadRequest) return coded(error.status, error.message);
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
  return (code, text, { retry_after: pause }) => {
    const status = text !== '' && method !== 'download' ? 200 : code;
    const headers: Record<string, string> = pause === undefined ? {} : { 'retry-after': String(pause) };
    return jsonReply(status, { code, msg: text === '' ? (texts[code] ?? 'error') : text }, headers);
  };
}
