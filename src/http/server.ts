import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../log/logger.ts';
import { BodyTooLargeError, HttpError, ListenError } from './error.ts';
import { createRouter, type Handler, type HttpResponse } from './route.ts';

export interface HttpServerOptions {
  readonly address: { readonly host: string; readonly port: number };
  /** `GET /livez` -> handler; a part `:name` of the path is a parameter. */
  readonly routes: Readonly<Record<string, Handler>>;
  readonly maxBodyBytes?: number;
  /** Time a client has for its headers; the whole request may take twice as long. */
  readonly headerTimeoutMs?: number;
  readonly log?: Logger;
}

export interface HttpServer {
  /** Where it really listens: the port is the chosen one when 0 was asked for. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, waits for running requests at most the given time, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts a small HTTP server. Throws ListenError when the port is taken or forbidden. Handlers get whole bodies; an
 * exception of a handler is answered with 500 and logged, an HttpError with its own status. Nothing else is routed.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { address, routes, maxBodyBytes = 1_048_576, headerTimeoutMs = 10_000, log } = options;
  const route = createRouter(routes);
  const server = createServer(
    { headersTimeout: headerTimeoutMs, requestTimeout: headerTimeoutMs * 2, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      void answer(request, response).catch((error: unknown) => log?.error({ err: error }, 'HTTP answer failed'));
    },
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://local');
    const found = route(request.method ?? 'GET', url.pathname);
    if (found.kind === 'missing') return send(response, { status: 404, body: 'Not found.\n' });
    if (found.kind === 'method') return send(response, { status: 405, headers: { allow: found.allow.join(', ') } });
    const aborted = new AbortController();
    response.once('close', () => aborted.abort());
    try {
      const body = await readBody(request, maxBodyBytes);
      send(
        response,
        await found.handler({
          method: request.method ?? 'GET',
          path: url.pathname,
          params: found.params,
          query: url.searchParams,
          headers: request.headers,
          body,
          signal: aborted.signal,
        }),
      );
    } catch (error) {
      if (error instanceof HttpError) return send(response, { status: error.status, body: `${error.message}\n` });
      log?.error({ err: error, route: found.pattern }, 'HTTP handler failed');
      send(response, { status: 500, body: 'Internal error.\n' });
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new ListenError(address, cause)));
    server.listen(address.port, address.host, resolve);
  });
  const { port } = boundAddress(server.address());
  const host = address.host === '0.0.0.0' || address.host === '::' ? '127.0.0.1' : address.host;
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: (graceMs = 5_000) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function boundAddress(address: string | AddressInfo | null): AddressInfo {
  if (typeof address === 'object' && address !== null) return address;
  throw new TypeError('The HTTP server listens on no TCP port; give it host and port, not a socket path.');
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The declared length is checked first, so that a large upload is refused before it is sent.
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLargeError(limit);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLargeError(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  if (response.headersSent || response.destroyed) return;
  const payload = body === undefined ? '' : body;
  const type = typeof payload === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  // After an oversized body the rest of it is still on the wire, so this connection cannot serve another request.
  const closing = status === 413 ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': type, ...headers, ...closing });
  response.end(payload);
}
