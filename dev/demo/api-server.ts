import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { readKubeconfig } from '../node/kubeconfig.ts';

/** The demo's own few calls: the client that our processes use would cost the demo 85 MB for them. */
export interface ApiServer {
  /** The body of the answer. @throws ApiServerError for anything but 2xx. */
  get(path: string): Promise<string>;
  /** Server-side apply of one object at its own path. */
  apply(path: string, object: Readonly<Record<string, unknown>>): Promise<void>;
}

/** The API server refused, or did not answer. */
export class ApiServerError extends Error {
  readonly reason = 'ApiServerRefused';
  constructor(what: string, answer: string, options?: { cause: unknown }) {
    super(`${what}: ${answer}`, options);
    this.name = 'ApiServerError';
  }
}

const fieldManager = 'neurocards-demo';
const timeoutMs = 30_000;

/** Speaks to the API server as the user of this kubeconfig. */
export function apiServerOf(kubeconfig: string): ApiServer {
  const { server, ca, cert, key } = readKubeconfig(kubeconfig);
  async function call(method: 'GET' | 'PATCH', path: string, body?: string): Promise<string> {
    const what = `${method} ${path}`;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = {
      'user-agent': fieldManager,
      ...(body === undefined ? {} : { 'content-type': 'application/apply-patch+yaml' }),
    };
    const options = { method, headers, ca, cert, key, signal: AbortSignal.timeout(timeoutMs) };
    const asked = request(new URL(path, server), options, (response) => {
      const { statusCode = 0 } = response;
      text(response).then((answer) => {
        if (statusCode >= 200 && statusCode < 300) resolve(answer);
        else reject(new ApiServerError(what, `HTTP ${statusCode}: ${answer.slice(0, 500)}`));
      }, reject);
    });
    asked.on('error', (cause) => reject(new ApiServerError(what, cause.message, { cause })));
    asked.end(body);
    return promise;
  }
  return {
    get: (path) => call('GET', path),
    async apply(path, object) {
      await call('PATCH', `${path}?fieldManager=${fieldManager}&force=true`, JSON.stringify(object));
    },
  };
}
