import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as plain,
  type ServerResponse,
} from 'node:http';
import { type Agent, request as secure } from 'node:https';
import type { Boundary, Effect, EffectBoard, Maker, Origin, Verdict } from './effect-board.ts';
import type { Ends } from './peer-process.ts';

export interface Upstream {
  readonly url: string;
  /** For TLS: with the certificate of whoever comes through this gate. */
  readonly agent?: Agent;
}

export interface HttpGateOptions {
  readonly board: EffectBoard;
  readonly boundary: Boundary;
  readonly maker: Maker;
  /** Asked for at each call, because it may not be there yet when the gate opens. */
  readonly upstream: () => Upstream;
  readonly operationOf: (method: string, url: URL, body: string) => string;
  /** Answers true when it serves this request itself. */
  readonly takeOver?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
}

export interface HttpGate {
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Stands before an HTTP service: each call is an effect, held or broken as the board says. */
export async function openHttpGate(options: HttpGateOptions): Promise<HttpGate> {
  const server = createServer((request, response) => {
    serve(options, request, response).catch(() => request.socket.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a gate without a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(options: HttpGateOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if ((await options.takeOver?.(request, response)) === true) return;
  const { board, boundary, maker, operationOf, upstream } = options;
  const ends = endsOf(request);
  const body = await bodyOf(request);
  const origin: Origin = {
    ends,
    again: async () => {
      const { status, body: answer } = await forward(upstream(), request, body, AbortSignal.timeout(20_000));
      return `${status}\n${excerpt(answer)}`;
    },
  };
  const method = request.method ?? 'GET';
  const text = excerpt(body);
  const effect = board.begin({
    boundary,
    maker,
    operation: operationOf(method, new URL(request.url ?? '/', 'http://gate'), text),
    request: `${method} ${request.url}\n${text}`,
  });
  const before = await board.ask(effect, 'before', origin);
  if (before.kind === 'answer') return refuse(response, before);
  if (before.kind === 'cut' || (before.kind === 'pass' && request.socket.destroyed)) {
    request.socket.destroy();
    return;
  }
  const gone = new AbortController();
  if (before.kind === 'pass') response.once('close', () => gone.abort());
  const reply = await forward(upstream(), request, body, gone.signal);
  await handBack(options, effect, origin, request, response, reply);
}

async function handBack(
  { board }: HttpGateOptions,
  effect: Effect,
  origin: Origin,
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  const after = await board.ask(effect, 'after', origin, `${reply.status}\n${excerpt(reply.body)}`);
  if (after.kind === 'answer') return refuse(response, after);
  if (after.kind === 'cut' || request.socket.destroyed) {
    request.socket.destroy();
    return;
  }
  const { 'transfer-encoding': _, ...headers } = reply.headers;
  response.writeHead(reply.status, { ...headers, 'content-length': reply.body.length });
  response.end(request.method === 'HEAD' ? undefined : reply.body);
}

function refuse(response: ServerResponse, { status, body, retryAfter }: Extract<Verdict, { kind: 'answer' }>): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  });
  response.end(text);
}

/** The whole answer. Its caller's own Host goes on, so that addresses in answers lead through the gate again. */
function forward(upstream: Upstream, request: IncomingMessage, body: Buffer, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = openUpstream(upstream, request, signal);
    sent.once('error', reject);
    sent.once('response', (answer) => {
      bodyOf(answer).then(
        (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }),
        reject,
      );
    });
    sent.end(body);
  });
}

/** A request like the one that came, to where it was going. */
export function openUpstream({ url, agent }: Upstream, request: IncomingMessage, signal: AbortSignal) {
  const { 'transfer-encoding': _, connection: __, ...headers } = request.headers;
  const options = { method: request.method, headers, signal };
  const target = new URL(request.url ?? '/', url);
  return target.protocol === 'https:' ? secure(target, { ...options, agent }) : plain(target, options);
}

/** One GET of our own. */
export function fetchText({ url, agent }: Upstream, path: string, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    secure(new URL(path, url), { agent, ...(signal === undefined ? {} : { signal }) }, (answer) => {
      bodyOf(answer).then((bytes) => {
        if (answer.statusCode === 200) resolve(bytes.toString('utf8'));
        else reject(new Error(`GET ${path} answered ${answer.statusCode}`));
      }, reject);
    })
      .once('error', reject)
      .end();
  });
}

function endsOf({ socket }: IncomingMessage): Ends {
  return { localPort: socket.localPort ?? 0, remotePort: socket.remotePort ?? 0 };
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const shown = 16_000;

/** Beginning and end, which hold every name; the middle of an upload is of no interest. */
function excerpt(body: Buffer): string {
  if (body.length <= 2 * shown) return body.toString('latin1');
  return `${body.toString('latin1', 0, shown)}\n${body.toString('latin1', body.length - shown)}`;
}
