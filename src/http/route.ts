import type { IncomingHttpHeaders } from 'node:http';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export type Handler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export type Match =
  | { kind: 'found'; handler: Handler; params: Record<string, string>; pattern: string }
  | { kind: 'method'; allow: string[] }
  | { kind: 'missing' };

interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Handler;
  readonly pattern: string;
}

/** Makes a matcher of a constant map of routes. A handful of routes needs no tree. Throws on a malformed key. */
export function createRouter(routes: Readonly<Record<string, Handler>>): (method: string, path: string) => Match {
  const table = Object.entries(routes).map(([pattern, handler]): Route => {
    const match = /^([A-Z]+) (\/.*)$/.exec(pattern);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new TypeError(`The route "${pattern}" is not a method and a path: write it like "GET /livez".`);
    }
    return { method: match[1], parts: match[2].split('/'), handler, pattern };
  });
  return (method, path) => {
    const parts = path.split('/');
    const allow: string[] = [];
    for (const route of table) {
      const params = matchParts(route.parts, parts);
      if (params === undefined) continue;
      if (route.method === method || (route.method === 'GET' && method === 'HEAD')) {
        return { kind: 'found', handler: route.handler, params, pattern: route.pattern };
      }
      allow.push(route.method);
    }
    return allow.length > 0 ? { kind: 'method', allow } : { kind: 'missing' };
  };
}

function matchParts(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, want] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (!want.startsWith(':')) {
      if (want !== part) return undefined;
      continue;
    }
    const value = decode(part);
    if (value === undefined || value === '') return undefined;
    params[want.slice(1)] = value;
  }
  return params;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
