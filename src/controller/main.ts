import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { MARK_NAME } from '../audit/mark-store.ts';
import { parseEnvironment } from '../config/environment.ts';
import { healthRoutes } from '../http/health.ts';
import { createHttpServer } from '../http/server.ts';
import { createKubeClient } from '../kube/client.ts';
import { createLeaseElection } from '../kube/lease.ts';
import { createLogger } from '../log/logger.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { createPool } from '../postgres/pool.ts';
import { createKieProvider } from '../provider/kie/provider.ts';
import { createFileStorage } from '../storage/files.ts';
import { controllerEnvironment } from './config.ts';
import { lead } from './lead.ts';
import { createMemory } from './memory.ts';
import { readPodTemplates } from './pod-template.ts';

/**
 * Runs the controller until SIGTERM. Any number of replicas may run; one leads. Answers the exit code.
 * @throws ConfigError, PodTemplateError, ListenError with a sentence for whoever starts it.
 */
export async function run(_args: readonly string[], variables: NodeJS.ProcessEnv): Promise<number> {
  const env = parseEnvironment(controllerEnvironment, variables, { service: 'controller' });
  const templates = readPodTemplates(env.NEUROCARDS_POD_TEMPLATES);
  const log = createLogger({ service: 'controller', level: env.NEUROCARDS_LOG_LEVEL });
  const metrics = createMetrics({
    onCollectError: (metric, error) => log.warn({ err: error, metric }, 'a figure could not be read'),
  });
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

  const kube = createKubeClient({ userAgent: 'neurocards-controller/0.1.0', metrics });
  const ownNamespace = env.NEUROCARDS_OWN_NAMESPACE ?? kube.namespace ?? 'default';
  const memory = createMemory({ kube, target: { namespace: ownNamespace, name: MARK_NAME }, log });
  const database = createPool(env.NEUROCARDS_DATABASE_URL, {
    applicationName: 'neurocards-controller',
    max: env.NEUROCARDS_WORKERS + 4,
    onConnect: async (connection) => void (await memory.check(connection)),
  });
  const identity = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const provider = createKieProvider({
    baseUrl: env.NEUROCARDS_KIE_BASE_URL,
    uploadUrl: env.NEUROCARDS_KIE_UPLOAD_URL,
    apiKey: env.NEUROCARDS_KIE_API_KEY,
  });
  const leader = {
    ...{ env, kube, database, memory, templates, provider, metrics, log, identity },
    storage: createFileStorage(env.NEUROCARDS_STORAGE_DIRECTORY),
    synced: false,
  };
  const election = createLeaseElection({
    client: kube,
    lease: { namespace: ownNamespace, name: 'neurocards-controller' },
    ...{ identity, log, metrics },
  });
  const http = await createHttpServer({
    address: env.NEUROCARDS_HTTP_ADDRESS,
    log,
    routes: healthRoutes({
      ready: {
        database: async () => void (await database.query('select 1')),
        cache: () => (election.isLeader && !leader.synced ? 'the VideoJobs have not been listed yet' : undefined),
      },
      metrics,
    }),
  });
  log.info({ url: http.url, namespace: env.NEUROCARDS_NAMESPACE }, 'controller started');
  try {
    await election.run(stopping.signal, (leading) => lead(leader, leading));
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    log.fatal({ err: error }, 'the controller ends');
    return 1;
  } finally {
    await http.close(1_000);
    await database.end();
    await kube.close();
  }
}
