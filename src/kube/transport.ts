import type { Dispatcher } from 'undici';
import type { Metrics } from '../metrics/metrics.ts';
import type { Connection, Credentials } from './credentials.ts';
import { errorFromAnswer, KubeError } from './error.ts';

export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The whole call, answer included. */
  readonly timeoutMs?: number | undefined;
}

export interface Call extends CallOptions {
  readonly verb: Verb;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** JSON text, sent as it is. */
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
}

export interface Transport {
  /**
   * One call, one answer as raw JSON (undefined for an empty one). Throws KubeError; when the caller's signal aborts, its
   * reason. A call is repeated only after a 401, which did nothing, with credentials read again.
   */
  call(call: Call): Promise<unknown>;
  /** A GET that stays open; throws like `call` until the headers are there. Ends with an error when idle too long. */
  stream(call: StreamCall): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

export interface StreamCall {
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly idleTimeoutMs: number;
}

const TIMEOUT_MS = 15_000;

export function createTransport({
  credentials,
  userAgent,
  metrics,
}: {
  readonly credentials: Credentials;
  readonly userAgent: string;
  readonly metrics?: Metrics | undefined;
}): Transport {
  const requests = metrics?.counter('rest_client_requests_total');
  const durations = metrics?.histogram('rest_client_request_duration_seconds');

  async function send(connection: Connection, agent: Dispatcher, call: Call, limits: Limits): Promise<Answer> {
    const count = (code: string) => requests?.inc({ code, method: call.verb, host: new URL(connection.origin).host });
    try {
      const answer = await agent.request({
        origin: connection.origin,
        path: `${connection.basePath}${call.path}${queryString(call.query)}`,
        method: call.verb,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...connection.headers,
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body ?? null,
        signal: limits.signal,
        headersTimeout: limits.headersTimeoutMs,
        bodyTimeout: limits.bodyTimeoutMs,
      });
      count(String(answer.statusCode));
      return answer;
    } catch (error) {
      count('<error>');
      throw error;
    }
  }

  async function call(request: Call, again = true): Promise<unknown> {
    const what = `${request.verb} ${request.path}`;
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
    const start = performance.now();
    try {
      const connection = await credentials.current();
      const limits = { signal, headersTimeoutMs: timeoutMs, bodyTimeoutMs: timeoutMs };
      const answer = await send(connection, connection.calls, request, limits);
      const text = await answer.body.text();
      durations?.observe({ verb: request.verb }, (performance.now() - start) / 1_000);
      if (answer.statusCode === 401 && again) {
        credentials.expire();
        return await call(request, false);
      }
      if (answer.statusCode >= 400) throw refused(what, answer, text);
      return parseAnswer(what, text);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw asKubeError(what, error, timeout.aborted ? `no answer within ${timeoutMs} ms` : undefined);
    }
  }

  return {
    call: (request) => call(request),
    async stream({ path, query, signal, idleTimeoutMs }) {
      const what = `GET ${path}`;
      const limits = { signal, headersTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: idleTimeoutMs };
      try {
        const connection = await credentials.current();
        const answer = await send(connection, connection.watches, { verb: 'GET', path, query }, limits);
        if (answer.statusCode === 401) credentials.expire();
        if (answer.statusCode >= 400) throw refused(what, answer, await answer.body.text());
        return withKubeErrors(what, answer.body, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw asKubeError(what, error);
      }
    },
    close: () => credentials.close(),
  };
}

type Answer = Dispatcher.ResponseData;

interface Limits {
  readonly signal: AbortSignal;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

function queryString(query: Call['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return search.size === 0 ? '' : `?${search.toString()}`;
}

function refused(what: string, answer: Answer, text: string): KubeError {
  const header = answer.headers['retry-after'];
  return errorFromAnswer(what, answer.statusCode, tryParse(text), typeof header === 'string' ? header : undefined);
}

function parseAnswer(what: string, text: string): unknown {
  if (text === '') return undefined;
  const value = tryParse(text);
  if (value !== undefined) return value;
  // readyz and its like answer plain text.
  if (!text.trimStart().startsWith('{')) return text;
  throw new KubeError({ status: 0, reason: 'Unreadable', message: `${what} gave an answer that is not whole JSON.` });
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* withKubeErrors(what: string, body: AsyncIterable<Buffer>, signal: AbortSignal): AsyncIterable<Buffer> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw asKubeError(what, error);
  }
}

function asKubeError(what: string, error: unknown, late?: string): KubeError {
  if (error instanceof KubeError) return error;
  const code = error instanceof Error ? String(Reflect.get(error, 'code') ?? error.name) : 'unknown';
  const timeout = late !== undefined || code.includes('TIMEOUT') || code === 'TimeoutError';
  return new KubeError({
    status: 0,
    reason: timeout ? 'Timeout' : 'Network',
    message: `${what} got no answer (${late ?? code}): see whether the API server runs and can be reached from here.`,
    cause: error,
  });
}
