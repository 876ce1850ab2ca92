import { Agent, type Dispatcher } from 'undici';
import { z } from 'zod';
import type { ApiAccess } from './kubeconfig.ts';

/** Why a call to the API server did not succeed; the caller decides by it whether repeating can help. */
export type ApiReason = 'Unreachable' | 'Overloaded' | 'NotFound' | 'Conflict' | 'Gone' | 'Forbidden' | 'Refused';

/** A call to the API server that did not succeed; the message is the server's own words where it had any. */
export class ApiError extends Error {
  readonly reason: ApiReason;
  readonly status: number | undefined;

  constructor(reason: ApiReason, message: string, options?: { status?: number; cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.name = 'ApiError';
    this.reason = reason;
    this.status = options?.status;
  }
}

export interface Call {
  body?: unknown;
  /** Content type of a PATCH; strategic merge unless told. */
  patch?: 'application/strategic-merge-patch+json' | 'application/merge-patch+json';
  signal?: AbortSignal;
}

/** One pooled connection to one API server. */
export interface Api {
  /** @throws ApiError on anything but success, a lost connection included. */
  call(method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, call?: Call): Promise<unknown>;
  /** The events of a watch, one parsed line each, until the server ends the stream. @throws ApiError as `call`. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<unknown>;
  close(): Promise<void>;
}

const CALL_TIMEOUT_MS = 15_000;
const ServerStatus = z.object({ message: z.string() });

/** Opens a pool of connections; nothing is sent before the first call. */
export function connect(access: ApiAccess): Api {
  const tls = { ca: access.ca, cert: access.cert, key: access.key };
  // Watches live in a pool of their own: a stream holds its connection, and a call must never wait behind one.
  const calls = new Agent({ connect: tls, connections: 16, keepAliveTimeout: 60_000, headersTimeout: CALL_TIMEOUT_MS });
  const streams = new Agent({ connect: tls, bodyTimeout: 0, headersTimeout: 30_000 });
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': 'neurocards-dev-node',
    ...(access.token !== undefined && { authorization: `Bearer ${access.token}` }),
  };

  async function open(
    agent: Agent,
    request: Omit<Dispatcher.RequestOptions, 'origin'>,
  ): Promise<Dispatcher.ResponseData> {
    let response: Dispatcher.ResponseData;
    try {
      response = await agent.request({ ...request, origin: access.server });
    } catch (cause) {
      throw new ApiError('Unreachable', `${request.method} ${request.path}: the API server did not answer`, { cause });
    }
    if (response.statusCode < 400) return response;
    const text = await response.body.text().catch(() => '');
    throw refusal(`${request.method} ${request.path}`, response.statusCode, text);
  }

  return {
    async call(method, path, { body, patch = 'application/strategic-merge-patch+json', signal } = {}) {
      const type = method === 'PATCH' ? patch : 'application/json';
      const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const response = await open(calls, {
        method,
        path,
        headers: body === undefined ? headers : { ...headers, 'content-type': type },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
      try {
        return await response.body.json();
      } catch (cause) {
        throw new ApiError('Unreachable', `${method} ${path}: the answer was cut off`, { cause });
      }
    },
    async *watch(path, signal) {
      const response = await open(streams, { method: 'GET', path, headers, signal });
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield JSON.parse(line);
      }
    },
    async close() {
      await Promise.all([calls.destroy(), streams.destroy()]);
    },
  };
}

function refusal(what: string, status: number, text: string): ApiError {
  const parsed = ServerStatus.safeParse(parseJson(text));
  const message = `${what}: ${parsed.success ? parsed.data.message : `HTTP ${status}`}`;
  return new ApiError(reasonOf(status), message, { status });
}

function reasonOf(status: number): ApiReason {
  if (status === 401 || status === 403) return 'Forbidden';
  if (status === 404) return 'NotFound';
  if (status === 409) return 'Conflict';
  if (status === 410) return 'Gone';
  if (status === 429 || status >= 500) return 'Overloaded';
  return 'Refused';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
