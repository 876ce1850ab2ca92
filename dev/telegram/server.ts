import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback, listen } from '../stand-ins/http.ts';
import { Callbacks } from './callbacks.ts';
import { Checkouts } from './checkouts.ts';
import { claimDirectory } from './claim.ts';
import { serveControl } from './control.ts';
import { Events } from './events.ts';
import { answer, refuse, serveDownload, serveMethod } from './exchange.ts';
import { Faults } from './faults.ts';
import { FileRoom } from './files.ts';
import { methodNames } from './methods/table.ts';
import { servePage } from './page.ts';
import { Refusal } from './refusal.ts';
import type { SamplePhotos } from './samples.ts';
import { samplePhotos } from './samples.ts';
import { Store } from './store.ts';
import type { Telegram } from './telegram.ts';
import { UpdateQueue } from './updates.ts';
import { WebhookSender } from './webhook.ts';

export type TelegramOptions = {
  /** Default 127.0.0.1. The control interface and the page answer this machine only, whatever the host. */
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** Where chats, files and the journal are kept; one running stand-in per directory. */
  readonly stateDirectory: string;
  /** Like a real one: digits, a colon, a secret. Any other token is answered 401. */
  readonly botToken: string;
  readonly botUsername?: string;
};

/**
 * Starts a stand-in for api.telegram.org with one bot, its control interface below `/dev/` and the chat page at `/`.
 * @returns the base URL (what a client takes as `apiRoot`) and how to stop it
 * @throws DevEnvironmentError `PortTaken` or `DirectoryInUse` when somebody else holds the port or the directory
 */
export async function startTelegram(options: TelegramOptions): Promise<{ url: string; close(): Promise<void> }> {
  const release = claimDirectory(options.stateDirectory);
  const store = new Store(options.stateDirectory);
  const faults = new Faults(store, [...methodNames, 'download', 'webhook']);
  const telegram: Telegram = {
    store,
    faults,
    files: new FileRoom(options.stateDirectory, store),
    updates: new UpdateQueue(store, faults),
    callbacks: new Callbacks(),
    checkouts: new Checkouts(),
    events: new Events(store),
    bot: {
      id: Number(/^\d+/.exec(options.botToken)?.[0] ?? 0),
      username: options.botUsername ?? 'neurocards_demo_bot',
      firstName: 'Neurocards',
    },
  };
  const webhooks = new WebhookSender(store, faults);
  const samples = samplePhotos();
  const server = await listen('telegram', options.host ?? '127.0.0.1', options.port ?? 0, (request, response) =>
    route(telegram, samples, options.botToken, request, response),
  ).catch((error: unknown) => {
    store.close();
    release();
    throw error;
  });
  webhooks.start();
  return {
    url: server.url,
    close: async () => {
      webhooks.close();
      telegram.faults.release();
      await server.close();
      store.close();
      release();
    },
  };
}

async function route(
  telegram: Telegram,
  samples: SamplePhotos,
  botToken: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://telegram');
  const path = decoded(url.pathname);
  const exchange = { telegram, request, response };
  const download = /^\/file\/bot([^/]+)\/(.+)$/.exec(path);
  if (download !== null) return serveDownload(exchange, download[1] === botToken, download[2] ?? '');
  const method = /^\/bot([^/]+)\/([^/]+)$/.exec(path);
  if (method !== null) return serveMethod(exchange, method[1] === botToken, method[2] ?? '', url);
  if (!isLoopback(request) || isForeignPage(request)) {
    request.resume();
    return answer(response, 403, { ok: false, error: 'This answers callers on the same machine only.' });
  }
  if (path.startsWith('/dev/')) return serveControl(telegram, samples, request, response, url);
  if (await servePage(request, response, path)) return;
  request.resume();
  refuse(response, new Refusal(404, 'Not Found'));
}

/** A page of another origin must not drive the chats through the developer's browser. */
function isForeignPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin !== undefined && origin !== `http://${host ?? ''}`;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
