import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { portTaken } from '../port.ts';

/** What a handler answers; how it reaches the client (or does not) is the caller's matter, because faults act there. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Only so many bytes of the body are sent before the connection is cut. */
  readonly cutAfter?: number;
};

/** A body that is too big or cannot be read, as the answer to give. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'BadRequest';
    this.status = status;
  }
}

export function jsonReply(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function textReply(status: number, type: string, text: string): Reply {
  return { status, headers: { 'content-type': type }, body: Buffer.from(text) };
}

/** Reads a whole body, at most `maxBytes`. Throws `BadRequest` above that. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new BadRequest(413, 'Request Entity Too Large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads a JSON body. Throws `BadRequest` when it is not JSON. */
export async function readJson(request: IncomingMessage, maxBytes = 30_000_000): Promise<unknown> {
  const body = await readBody(request, maxBytes);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new BadRequest(400, 'The body is not valid JSON.');
  }
}

/** Sends a reply; a client that has gone away is not an error. */
export function send(response: ServerResponse, reply: Reply, withBody = true): void {
  if (response.destroyed) return;
  response.writeHead(reply.status, { 'content-length': String(reply.body.length), ...reply.headers });
  if (!withBody) {
    response.end();
    return;
  }
  if (reply.cutAfter === undefined) {
    response.end(reply.body);
    return;
  }
  response.write(reply.body.subarray(0, reply.cutAfter), () => response.destroy());
}

/** Whether the caller sits on this machine: the control interface answers nobody else. */
export function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** The key of an `Authorization: Bearer` header. */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

export type Listening = {
  readonly url: string;
  readonly port: number;
  /** Ends every connection, then the server. */
  close(): Promise<void>;
};

/**
 * Serves `handle` on a port (0 chooses a free one).
 * @throws DevEnvironmentError `PortTaken` when somebody else listens there.
 */
export async function listen(
  part: string,
  host: string,
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Listening> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(`${part}: ${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''} failed:`, error);
      if (!response.headersSent)
        send(response, jsonReply(500, { ok: false, error: 'The stand-in failed; see its log.' }));
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  const actualPort = await bound(server, part, host, port);
  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${actualPort}`,
    port: actualPort,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bound(server: Server, part: string, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      reject(error.code === 'EADDRINUSE' ? portTaken(port, part, error) : error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : port);
    });
  });
}
