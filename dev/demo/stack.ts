import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildBundles } from '../bundle/bundle.ts';
import { type ControlPlane, type ProcessName, startControlPlane } from '../control-plane/plane.ts';
import { checkout } from '../places.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';
import { jobsNamespace, ownNamespace, prepareCluster } from './cluster.ts';
import { databaseName, prepareDatabase } from './database.ts';
import { type Endpoints, runnerPids, writeEndpoints } from './endpoints.ts';
import { type Environments, environmentsOf } from './environments.ts';
import { type Part, startPart } from './part.ts';
import { podTemplates } from './pod-templates.ts';
import type { DemoPorts } from './ports.ts';
import { waitReady } from './ready.ts';
import { openSecrets } from './secrets.ts';

/** Parts that are processes of their own and can be left out, to be started by hand. */
export const partNames = ['stand-ins', 'node', 'bot', 'controller'] as const;
export type PartName = (typeof partNames)[number];

export interface StackOptions {
  /** Everything of this stack lives below it. */
  directory: string;
  ports: DemoPorts;
  /** Parts to start; all by default. */
  parts?: readonly PartName[];
  /** Seconds a KIE task takes. */
  renderSeconds?: number;
  /** For tests: nothing waits for the disk. */
  ephemeral?: boolean;
  /** Settings of the ledger. */
  settings?: Readonly<Record<string, unknown>>;
  /** More environment for a part, e.g. shorter clocks in tests. */
  extraEnv?: { [K in 'bot' | 'controller' | 'generate' | 'deliver']?: Record<string, string> };
  onProgress(line: string): void;
}

export interface Stack {
  directory: string;
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

const healEveryMs = 1_000;

/**
 * Starts everything a bare machine lacks and everything that is ours, in order, and keeps it running: a part that dies is started
 * again, and `.demo/endpoints.json` stays true.
 * @throws DevEnvironmentError with one sentence; whatever was started is stopped before.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: (() => Promise<void>)[] = [];
  try {
    return await assemble(options, started);
  } catch (error) {
    for (const stop of started.toReversed()) await stop();
    throw error;
  }
}

async function assemble(options: StackOptions, started: (() => Promise<void>)[]): Promise<Stack> {
  const { ports, onProgress } = options;
  const directory = resolve(options.directory);
  const places = makePlaces(directory);
  const secrets = openSecrets(directory);
  const [controlPlane, firstPostgres, bundle] = await Promise.all([
    startControlPlane({
      directory: join(directory, 'control-plane'),
      ports,
      namespace: jobsNamespace,
      unsafeNoFsync: options.ephemeral,
      onProgress,
    }).then((plane) => {
      started.push(() => plane.close());
      return plane;
    }),
    startPostgres({ directory: join(directory, 'postgres'), port: ports.postgres, ephemeral: options.ephemeral }).then(
      (server) => {
        started.push(() => postgres.close());
        return server;
      },
    ),
    buildBundles({ directory: places.bundle, native: true }),
  ]);
  let postgres = firstPostgres;
  let postgresWanted = true;
  onProgress(`Bundles: ${bundle.length} files`);

  const environments = environmentsOf(
    ports,
    secrets,
    {
      kubeconfig: controlPlane.kubeconfig,
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
  await Promise.all([
    prepareDatabase(postgres, { usual_seconds: 10, ...options.settings }),
    prepareCluster({
      kubeconfig: controlPlane.kubeconfig,
      storageDirectory: places.storage,
      generateEnv: environments.generate,
      deliverEnv: environments.deliver,
    }),
  ]);

  const parts = new Map<PartName, Part>();
  const endpoints = (): Endpoints => describe(options, directory, controlPlane, postgres, parts);
  const publish = (): void => writeEndpoints(join(directory, 'endpoints.json'), endpoints());
  const launch = async (name: PartName): Promise<void> => {
    const part = await startPart({
      name,
      ...commandOf(name, places, ports, environments, controlPlane.kubeconfig, directory, options.renderSeconds ?? 6),
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
    for (const name of ['bot', 'controller', 'node', 'stand-ins'] as const) await parts.get(name)?.stop();
  });
  const wanted = options.parts ?? partNames;
  await Promise.all(wanted.filter((name) => name === 'stand-ins' || name === 'node').map(launch));
  await Promise.all(wanted.filter((name) => name === 'bot' || name === 'controller').map(launch));
  await waitReady(wanted, ports, onProgress);

  const healing = heal(options, controlPlane, {
    alive: () => !postgresWanted || isAlive(postgres.pid),
    restart: async () => {
      postgres = await startPostgres({
        directory: join(directory, 'postgres'),
        port: ports.postgres,
        ephemeral: options.ephemeral,
      });
    },
    publish,
  });
  started.push(healing.stop);
  publish();

  return {
    directory,
    endpoints,
    environments,
    controlPlane,
    postgres: () => postgres,
    kill: (name, signal = 'SIGKILL') => parts.get(name)?.kill(signal),
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
      postgres = await startPostgres({
        directory: join(directory, 'postgres'),
        port: ports.postgres,
        ephemeral: options.ephemeral,
      });
      postgresWanted = true;
    },
    async stop() {
      for (const stop of started.splice(0).toReversed()) await stop();
    },
  };
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

function commandOf(
  name: PartName,
  places: StackPlaces,
  ports: DemoPorts,
  environments: Environments,
  kubeconfig: string,
  directory: string,
  renderSeconds: number,
): { args: string[]; env: Record<string, string> } {
  const source = (path: string): string[] => ['--import', join(checkout, 'dev/guard.mjs'), join(checkout, path)];
  const base = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: directory };
  switch (name) {
    case 'stand-ins':
      return {
        args: [
          ...source('dev/stand-ins/main.ts'),
          ...['--telegram-port', String(ports.telegram), '--kie-port', String(ports.kie)],
          ...['--completions-port', String(ports.completions), '--state', join(directory, 'stand-ins')],
          ...['--seconds', String(renderSeconds)],
        ],
        env: { ...base, ...environments.standIns },
      };
    case 'node':
      return {
        args: [
          ...source('dev/node/main.ts'),
          ...['--kubeconfig', kubeconfig, '--directory', join(directory, 'node'), '--namespace', jobsNamespace],
          ...['--runner-bundle', join(places.bundle, 'runner.mjs')],
        ],
        env: base,
      };
    case 'bot':
    case 'controller':
      return {
        args: ['--enable-source-maps', join(places.bundle, 'main.mjs'), name],
        env: { ...base, ...environments[name] },
      };
  }
}

function describe(
  { ports }: StackOptions,
  directory: string,
  controlPlane: ControlPlane,
  postgres: PostgresServer,
  parts: ReadonlyMap<PartName, Part>,
): Endpoints {
  const http = (port: number): string => `http://127.0.0.1:${port}`;
  const pidOf = (name: PartName): { pid: number }[] => {
    const pid = parts.get(name)?.pid;
    return pid === undefined ? [] : [{ pid }];
  };
  return {
    kubeconfig: controlPlane.kubeconfig,
    namespace: jobsNamespace,
    databaseUrl: postgres.urlFor(databaseName),
    telegram: http(ports.telegram),
    kie: http(ports.kie),
    completions: http(ports.completions),
    chat: `${http(ports.telegram)}/`,
    metrics: { bot: [`${http(ports.bot)}/metrics`], controller: [`${http(ports.controller)}/metrics`] },
    processes: {
      etcd: [controlPlane.processes.etcd],
      'kube-apiserver': [controlPlane.processes['kube-apiserver']],
      'kube-controller-manager': [controlPlane.processes['kube-controller-manager']],
      postgres: [{ pid: postgres.pid }],
      node: pidOf('node'),
      telegram: pidOf('stand-ins'),
      kie: pidOf('stand-ins'),
      completions: pidOf('stand-ins'),
      bot: pidOf('bot'),
      controller: pidOf('controller'),
      runner: runnerPids(join(directory, 'node')),
    },
  };
}

/** Starts again what is not a part: the control plane's processes and PostgreSQL. Also keeps the list of runners fresh. */
function heal(
  { onProgress }: StackOptions,
  controlPlane: ControlPlane,
  postgres: { alive(): boolean; restart(): Promise<void>; publish(): void },
): { stop(): Promise<void> } {
  let stopped = false;
  let busy: Promise<void> = Promise.resolve();
  const attempt = (what: string, work: () => Promise<void>): void => {
    busy = busy.then(async () => {
      if (stopped) return;
      onProgress(`${what} ended; it is started again`);
      await work().catch((error: unknown) =>
        onProgress(`${what}: ${error instanceof Error ? error.message : 'failed'}`),
      );
      postgres.publish();
    });
  };
  controlPlane.onExit(({ name, expected }: { name: ProcessName; expected: boolean }) => {
    if (!expected && !stopped) attempt(name, () => controlPlane.startProcess(name));
  });
  const timer = setInterval(() => {
    if (!postgres.alive()) attempt('postgres', () => (postgres.alive() ? Promise.resolve() : postgres.restart()));
    postgres.publish();
  }, healEveryMs);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await busy;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
