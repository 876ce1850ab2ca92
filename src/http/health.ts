import type { Handler, HttpResponse } from './route.ts';

/** A check answers undefined when all is well, else one short sentence without secrets. A throw counts as its message. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>;

export interface HealthOptions {
  /** Is the process itself alive? Never PostgreSQL or the API server: restarting us would not bring them back. */
  readonly live?: Readonly<Record<string, HealthCheck>>;
  /** Can it do its work now? Each by name. */
  readonly ready?: Readonly<Record<string, HealthCheck>>;
  /** The metrics of the process, see `src/metrics`. */
  readonly metrics?: { text(): Promise<string>; readonly contentType: string };
  /** A check that takes longer has failed. */
  readonly checkTimeoutMs?: number;
}

/** The three routes that every process has. A failed check gives 503 and says which and why. */
export function healthRoutes({
  live = {},
  ready = {},
  metrics,
  checkTimeoutMs = 3_000,
}: HealthOptions): Record<string, Handler> {
  const routes: Record<string, Handler> = {
    'GET /livez': () => runChecks(live, checkTimeoutMs),
    'GET /readyz': () => runChecks(ready, checkTimeoutMs),
  };
  if (metrics !== undefined) {
    routes['GET /metrics'] = async () => ({
      status: 200,
      headers: { 'content-type': metrics.contentType },
      body: await metrics.text(),
    });
  }
  return routes;
}

async function runChecks(checks: Readonly<Record<string, HealthCheck>>, timeoutMs: number): Promise<HttpResponse> {
  const lines = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const problem = await runCheck(check, timeoutMs);
      return {
        ok: problem === undefined,
        text: problem === undefined ? `[+] ${name} ok` : `[-] ${name} failed: ${problem}`,
      };
    }),
  );
  const ok = lines.every((line) => line.ok);
  const summary = ok ? 'ok' : 'not ok';
  return { status: ok ? 200 : 503, body: `${[...lines.map((line) => line.text), summary].join('\n')}\n` };
}

async function runCheck(check: HealthCheck, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve(check()), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
