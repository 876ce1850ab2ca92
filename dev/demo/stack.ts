import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ControlPlane, startControlPlane } from '../control-plane/plane.ts';
import { checkout } from '../places.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import { writeBundles } from './bundles.ts';
import { accountOf } from './chart.ts';
import { places as clusterPlaces, jobsNamespace, ownNamespace, prepareCluster } from './cluster.ts';
import { commandOf, type PartName, partNames, type StandInName, standInNames } from './command.ts';
import { databaseName, prepareDatabase } from './database.ts';
import { type Endpoints, endpointsWriter, pidList, runnerPids } from './endpoints.ts';
import { type Environments, environmentsOf } from './environments.ts';
import { startHealing } from './healing.ts';
import { type Part, startPart } from './part.ts';
import { podTemplates } from './pod-templates.ts';
import type { DemoPorts } from './ports.ts';
import { waitReady } from './ready.ts';
import { openSecrets } from './secrets.ts';

export type { PartName } from './command.ts';

export interface StackOptions {
  /** Everything of this stack lives below it. */
  directory: string;
  ports: DemoPorts;
  /** Parts to start; all by default. */
  parts?: readonly PartName[];
  /** What the stand-ins' process plays; all by default. */
  standIns?: readonly StandInName[];
  /** Seconds a KIE task takes. */
  renderSeconds?: number;
  /** For tests: nothing waits for the disk. */
  ephemeral?: boolean;
  /** Settings of the ledger. */
  settings?: Readonly<Record<string, unknown>>;
  /** More environment for a part, e.g. shorter clocks in tests. */
  extraEnv?: { [K in 'bot' | 'controller' | 'generate' | 'deliver']?: Record<string, string> };
  /** Gives up the start: what was started is stopped, and the reason of the signal is thrown. */
  signal?: AbortSignal;
  onProgress(line: string): void;
}

export interface Stack {
  directory: string;
  ports: DemoPorts;
  endpoints(): Endpoints;
  environments: Environments;
  controlPlane: ControlPlane;
  postgres(): PostgresServer;
  /** SIGKILLs a part; the stack starts it again, as a Deployment would. */
  kill(part: PartName, signal?: NodeJS.Signals): void;
  /** Takes a part away for good, or brings it back. */
  stopPart(part: PartName): Promise<void>;
  startPart(part: PartName): Promise<void>;
  /** Stops PostgreSQL until `startPostgres`. */
  stopPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  /** Stops everything in order; the state stays. */
  stop(): Promise<void>;
}

/** What to undo, in the order it was done. */
type Started = (() => Promise<unknown>)[];

/**
 * Starts everything a bare machine lacks and everything that is ours, in order, and keeps it running: a part that dies is started
 * again, and `endpoints.json` in its directory stays true.
 * @throws DevEnvironmentError with one sentence; whatever was started is stopped before.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Started = [];
  try {
    return await assemble(options, started);
  } catch (error) {
    await undo(started);
    throw error;
  }
}

async function undo(started: Started): Promise<void> {
  for (const stop of started.splice(0).toReversed()) await stop();
}

async function assemble(options: StackOptions, started: Started): Promise<Stack> {
  const { ports, onProgress, signal } = options;
  const directory = resolve(options.directory);
  const places = makePlaces(directory);
  const secrets = openSecrets(directory);
  const openPostgres = (): Promise<PostgresServer> =>
    startPostgres({ directory: join(directory, 'postgres'), port: ports.postgres, ephemeral: options.ephemeral });
  signal?.throwIfAborted();
  const { controlPlane, postgres: firstPostgres } = await startGround(options, directory, openPostgres, started);
  let postgres = firstPostgres;
  let postgresWanted = true;
  started.push(() => postgres.close());

  const environments = environmentsOf(
    ports,
    secrets,
    {
      kubeconfigs: await writeKubeconfigs(controlPlane, directory),
      storage: places.storage,
      podTemplates: places.podTemplates,
      databaseUrl: (role) => postgres.urlFor(databaseName, role),
    },
    { jobs: jobsNamespace, own: ownNamespace },
  );
  for (const name of ['bot', 'controller', 'generate', 'deliver'] as const) {
    Object.assign(environments[name], options.extraEnv?.[name]);
  }
  writeFileSync(places.podTemplates, JSON.stringify(podTemplates(), null, 2));
  await prepareCluster({
    kubeconfig: controlPlane.kubeconfig,
    storageDirectory: places.storage,
    generateEnv: environments.generate,
    deliverEnv: environments.deliver,
  });
  signal?.throwIfAborted();

  const parts = new Map<PartName, Part>();
  const endpoints = (): Endpoints => describe(options, directory, controlPlane, postgres, parts);
  const write = endpointsWriter(join(directory, 'endpoints.json'));
  const publish = (): void => write(endpoints());
  const { kubeconfig } = controlPlane;
  const { standIns = standInNames, renderSeconds = 6 } = options;
  const launch = async (name: PartName): Promise<void> => {
    const part = await startPart({
      name,
      ...commandOf(name, { directory, ...places, kubeconfig, ports, environments, standIns, renderSeconds }),
      cwd: checkout,
      logFile: join(directory, 'logs', `${name}.log`),
      onChange: (what) => {
        if (what !== 'started') onProgress(`${name} ${what}`);
        if (parts.has(name)) publish();
      },
    });
    parts.set(name, part);
  };
  started.push(async () => {
    // The bot and the controller first: what they ask of the others must still answer while they end.
    await Promise.all([parts.get('bot')?.stop(), parts.get('controller')?.stop()]);
    await parts.get('node')?.stop();
    await parts.get('stand-ins')?.stop();
  });
  const wanted = options.parts ?? partNames;
  await both(wanted.map(launch));
  await waitReady({ parts: wanted, standIns, ports, onProgress, signal });

  const healing = startHealing({
    controlPlane,
    postgres: {
      alive: () => !postgresWanted || pidList(postgres.pid).length > 0,
      restart: async () => {
        postgres = await openPostgres();
      },
    },
    onProgress,
    publish,
  });
  // Undone last: what was being started again while everything stopped is stopped too.
  started.unshift(async () => {
    await healing.idle();
    await Promise.all([controlPlane.close(), postgres.close()]);
    publish();
  });
  started.push(async () => healing.halt());
  publish();

  return {
    directory,
    ports,
    endpoints,
    environments,
    controlPlane,
    postgres: () => postgres,
    kill: (name, by = 'SIGKILL') => parts.get(name)?.kill(by),
    stopPart: async (name) => {
      await parts.get(name)?.stop();
      parts.delete(name);
    },
    startPart: launch,
    stopPostgres: async () => {
      postgresWanted = false;
      await postgres.close();
    },
    startPostgres: async () => {
      postgres = await openPostgres();
      postgresWanted = true;
    },
    stop: () => undo(started),
  };
}

/** Control plane, PostgreSQL with our tables, and bundles, side by side; when one fails, the others are waited for and stopped. */
async function startGround(
  { ports, ephemeral, settings, onProgress, signal }: StackOptions,
  directory: string,
  openPostgres: () => Promise<PostgresServer>,
  started: Started,
): Promise<{ controlPlane: ControlPlane; postgres: PostgresServer }> {
  const plane = startControlPlane({
    directory: join(directory, 'control-plane'),
    ports,
    namespace: jobsNamespace,
    unsafeNoFsync: ephemeral,
    signal,
    onProgress,
  });
  const server = openPostgres();
  const tables = server.then((one) => prepareDatabase(one, { usual_seconds: 10, ...settings }));
  const bundles = writeBundles(join(directory, 'bundle'));
  started.push(async () => {
    const [planeEnd, serverEnd] = await Promise.allSettled([plane, server, tables, bundles]);
    if (planeEnd.status === 'fulfilled') await planeEnd.value.close();
    if (serverEnd.status === 'fulfilled') await serverEnd.value.close();
  });
  const [controlPlane, postgres] = await Promise.all([plane, server, tables, bundles]);
  signal?.throwIfAborted();
  return { controlPlane, postgres };
}

/** Waits for all of them, also when one fails: nothing may still be under way when the stop begins. */
async function both(works: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(works)) if (end.status === 'rejected') throw end.reason;
}

/** Users of their own, known to the API server as the chart's service accounts. */
async function writeKubeconfigs(
  controlPlane: ControlPlane,
  directory: string,
): Promise<{ bot: string; controller: string }> {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${ownNamespace}`];
  const write = async (component: 'bot' | 'controller'): Promise<string> => {
    const path = join(directory, `${component}.kubeconfig`);
    await controlPlane.writeKubeconfigFor(accountOf(component, clusterPlaces), groups, path);
    return path;
  };
  return { bot: await write('bot'), controller: await write('controller') };
}

interface StackPlaces {
  storage: string;
  bundle: string;
  podTemplates: string;
}

function makePlaces(directory: string): StackPlaces {
  const storage = join(directory, 'storage');
  for (const path of [storage, join(directory, 'logs'), join(directory, 'node'), join(directory, 'stand-ins')]) {
    mkdirSync(path, { recursive: true });
  }
  return { storage, bundle: join(directory, 'bundle'), podTemplates: join(directory, 'pod-templates.json') };
}

function describe(
  { ports, standIns = standInNames }: StackOptions,
  directory: string,
  { kubeconfig, processes }: ControlPlane,
  postgres: PostgresServer,
  parts: ReadonlyMap<PartName, Part>,
): Endpoints {
  const http = (port: number): string => `http://127.0.0.1:${port}`;
  const pidsOf = (name: PartName): { pid: number }[] => pidList(parts.get(name)?.pid);
  const playing = (name: StandInName): { pid: number }[] => (standIns.includes(name) ? pidsOf('stand-ins') : []);
  return {
    kubeconfig,
    namespace: jobsNamespace,
    databaseUrl: postgres.urlFor(databaseName),
    telegram: http(ports.telegram),
    kie: http(ports.kie),
    completions: http(ports.completions),
    chat: `${http(ports.telegram)}/`,
    metrics: { bot: [`${http(ports.bot)}/metrics`], controller: [`${http(ports.controller)}/metrics`] },
    processes: {
      etcd: pidList(processes.etcd.pid),
      'kube-apiserver': pidList(processes['kube-apiserver'].pid),
      'kube-controller-manager': pidList(processes['kube-controller-manager'].pid),
      postgres: pidList(postgres.pid),
      node: pidsOf('node'),
      telegram: playing('telegram'),
      kie: playing('kie'),
      completions: playing('completions'),
      bot: pidsOf('bot'),
      controller: pidsOf('controller'),
      runner: runnerPids(join(directory, 'node')),
    },
  };
}
