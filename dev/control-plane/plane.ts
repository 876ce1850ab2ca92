import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { type Child, type ChildExit, startChild } from '../child.ts';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { portTaken } from '../port.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';
import { type Binaries, ensureBinaries } from './binaries.ts';
import { writeAside } from './certificates.ts';
import { type CommandSettings, commandArguments, openIdentity, PROCESS_NAMES, type ProcessName } from './commands.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { type ControlPlanePorts, choosePorts } from './ports.ts';
import { isHealthy, type ProbeTarget } from './probe.ts';

export type { ProcessName } from './commands.ts';
export type { ControlPlanePorts } from './ports.ts';

export interface ControlPlaneOptions {
  /** State, certificates, logs and kubeconfigs; started there again, it goes on with what it had. */
  directory: string;
  ports?: Partial<ControlPlanePorts> | undefined;
  /** For tests only: etcd does not wait for the disk. */
  unsafeNoFsync?: boolean | undefined;
  /** Forget what etcd held; certificates and ports stay. */
  discardState?: boolean | undefined;
  onProgress?: ((line: string) => void) | undefined;
  /** Added to kube-apiserver's own arguments, e.g. `--audit-log-path=...`. */
  apiServerArgs?: readonly string[] | undefined;
  /** The namespace that the kubeconfigs name. */
  namespace?: string | undefined;
  /** Gives up the start; what was started is stopped, and the reason of the signal is thrown. */
  signal?: AbortSignal | undefined;
}

export interface ProcessExit extends ChildExit {
  name: ProcessName;
  /** True when `stopProcess` or `close` asked for it. */
  expected: boolean;
}

export interface ControlPlane {
  /** The path of the administrator's kubeconfig (group system:masters, file mode 0600). */
  kubeconfig: string;
  server: string;
  /** What runs now; a stopped process keeps its last number. */
  processes: Record<ProcessName, { pid: number }>;
  binaries: Binaries;
  /** Ends one process: SIGTERM, and SIGKILL after 3 s (kube-apiserver waits a minute for open watches). */
  stopProcess(name: ProcessName): Promise<void>;
  /** Starts one again after it was stopped or died, and waits until it is ready. */
  startProcess(name: ProcessName): Promise<void>;
  onExit(listener: (exit: ProcessExit) => void): void;
  /** Writes a kubeconfig with a client certificate for any user and groups, to try permissions. */
  writeKubeconfigFor(user: string, groups: readonly string[], path: string): Promise<void>;
  /** Stops everything; state stays. Safe to repeat. */
  close(): Promise<void>;
}

const READY_MS = 60_000;
const GRACE_MS = 3_000;

const runningFile = z.object({ owner: processRecord, children: z.array(processRecord) });

/**
 * Starts etcd, kube-apiserver and kube-controller-manager on 127.0.0.1 with mutual TLS and waits until they are ready:
 * about 6 s, after the programs were found, downloaded or built (see `ensureBinaries`). Needs no root. Nothing of it
 * outlives this process where setpriv exists; elsewhere the next start in the directory ends what was left.
 * @throws DevEnvironmentError with one sentence and its remedy; nothing is left running then.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const onProgress = options.onProgress ?? (() => undefined);
  const directory = resolve(options.directory);
  prepareDirectory(directory);
  const binaries = await ensureBinaries({ onProgress });
  options.signal?.throwIfAborted();
  await endPredecessor(directory);
  if (options.discardState) rmSync(join(directory, 'etcd'), { recursive: true, force: true });
  const identity = await openIdentity(join(directory, 'pki'));
  const ports = await choosePorts(directory, options.ports ?? {}, onProgress);
  const server = `https://127.0.0.1:${ports.apiServer}`;
  const write = (path: string, user: string, pair: { certificate: string; key: string }) =>
    writeKubeconfig(path, {
      server,
      authority: identity.kubernetes.files.certificate,
      user,
      namespace: options.namespace,
      ...pair,
    });
  const read = (files: { certificate: string; key: string }) => ({
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
  });
  const kubeconfig = join(directory, 'kubeconfig');
  const controllerManagerKubeconfig = join(directory, 'run', 'kube-controller-manager.kubeconfig');
  write(kubeconfig, 'administrator', read(identity.administrator));
  write(controllerManagerKubeconfig, 'system:kube-controller-manager', read(identity.controllerManagerClient));
  const processes = new Processes(binaries, {
    directory,
    ports,
    identity,
    controllerManagerKubeconfig,
    unsafeNoFsync: options.unsafeNoFsync ?? false,
    apiServerArgs: options.apiServerArgs ?? [],
  });
  await processes.startAll(onProgress, options.signal);
  return {
    kubeconfig,
    server,
    binaries,
    processes: processes.numbers,
    stopProcess: (name) => processes.stop(name),
    startProcess: (name) => processes.start(name),
    onExit: (listener) => processes.listeners.push(listener),
    writeKubeconfigFor: async (user, groups, path) =>
      write(path, user, await identity.kubernetes.issue({ commonName: user, groups })),
    close: () => processes.close(),
  };
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(join(directory, 'run'), { recursive: true });
    mkdirSync(join(directory, 'logs'), { recursive: true });
    writeAside(join(directory, 'run', 'writable'), '', 0o600);
    rmSync(join(directory, 'run', 'writable'));
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'ENOENT'].includes(errorCode(error) ?? '')) throw error;
    throw new DevEnvironmentError(
      'NoPermission',
      `The control plane's files cannot be written under ${directory} as this user: make it writable (chown or chmod), or choose another directory.`,
      { cause: error },
    );
  }
}

/** Ends processes whose owner was killed where the kernel could not tell them; refuses to disturb a living owner. */
async function endPredecessor(directory: string): Promise<void> {
  const recorded = readRunning(directory);
  const left = (recorded?.children ?? []).filter(lives);
  if (recorded === undefined || left.length === 0) return;
  if (lives(recorded.owner) && recorded.owner.pid !== process.pid) {
    throw new DevEnvironmentError(
      'DirectoryInUse',
      `A control plane already runs in ${directory} (process ${recorded.owner.pid}): stop it (kill -TERM ${recorded.owner.pid}) or choose another directory.`,
    );
  }
  if (lives(recorded.owner)) {
    throw new DevEnvironmentError(
      'DirectoryInUse',
      `This process already runs a control plane in ${directory}: close it first.`,
    );
  }
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  while (left.some(lives)) await wait(50);
}

function readRunning(directory: string): z.infer<typeof runningFile> | undefined {
  try {
    return runningFile.parse(JSON.parse(readFileSync(join(directory, 'run', 'processes.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The three processes and their state. */
class Processes {
  readonly numbers: Record<ProcessName, { pid: number }> = {
    etcd: { pid: 0 },
    'kube-apiserver': { pid: 0 },
    'kube-controller-manager': { pid: 0 },
  };
  readonly listeners: ((exit: ProcessExit) => void)[] = [];
  readonly #children = new Map<ProcessName, Child>();
  readonly #stopping = new Set<Child>();
  readonly #binaries: Binaries;
  readonly #settings: CommandSettings;

  constructor(binaries: Binaries, settings: CommandSettings) {
    this.#binaries = binaries;
    this.#settings = settings;
  }

  async startAll(onProgress: (line: string) => void, signal?: AbortSignal): Promise<void> {
    const began = Date.now();
    try {
      for (const name of PROCESS_NAMES) {
        const from = Date.now();
        await this.start(name, signal);
        onProgress(`${name} is ready after ${((Date.now() - from) / 1000).toFixed(1)} s`);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    onProgress(
      `The control plane is ready after ${((Date.now() - began) / 1000).toFixed(1)} s: ${this.#settings.directory}`,
    );
  }

  async start(name: ProcessName, signal?: AbortSignal): Promise<void> {
    if (this.#children.get(name)?.isRunning()) return;
    const child = await startChild({
      command: this.#binaries[name],
      args: commandArguments(name, this.#settings),
      env: { PATH: '/usr/bin:/bin', HOME: this.#settings.directory },
      cwd: this.#settings.directory,
      // etcd closes its files; the others keep nothing that SIGKILL could harm and would take a minute.
      stopSignal: name === 'etcd' ? 'SIGTERM' : 'SIGKILL',
      logFile: join(this.#settings.directory, 'logs', `${name}.log`),
    });
    this.#children.set(name, child);
    this.numbers[name] = { pid: child.pid };
    this.#record();
    void child.exited.then((exit) => {
      for (const listener of this.listeners) listener({ name, ...exit, expected: this.#stopping.has(child) });
    });
    try {
      await this.#waitUntilReady(name, child, signal);
    } catch (error) {
      this.#stopping.add(child);
      await child.stop(GRACE_MS);
      throw error;
    }
  }

  async stop(name: ProcessName): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) return;
    this.#stopping.add(child);
    if (child.isRunning()) child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await child.exited;
    clearTimeout(killer);
    this.#record();
  }

  async close(): Promise<void> {
    for (const name of PROCESS_NAMES.toReversed()) await this.stop(name);
  }

  #record(): void {
    const children = [...this.#children.values()]
      .filter((child) => child.isRunning())
      .map((child) => recordOf(child.pid));
    const content = { owner: recordOf(), children: children.filter((record) => record !== undefined) };
    writeAside(join(this.#settings.directory, 'run', 'processes.json'), JSON.stringify(content), 0o600);
  }

  async #waitUntilReady(name: ProcessName, child: Child, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (!(await isHealthy(this.#probeOf(name)))) {
      signal?.throwIfAborted();
      if (!child.isRunning()) throw this.#explain(name, child, 'ExitedEarly', 'stopped before it was ready');
      if (Date.now() > deadline)
        throw this.#explain(name, child, 'NotReady', `was not ready after ${READY_MS / 1000} s`);
      await wait(50);
    }
    // A port taken in the last moment may answer for somebody else while ours ends.
    if (!child.isRunning()) throw this.#explain(name, child, 'ExitedEarly', 'stopped before it was ready');
  }

  #probeOf(name: ProcessName): ProbeTarget {
    const { ports, identity } = this.#settings;
    if (name === 'etcd') {
      return {
        port: ports.etcdClient,
        path: '/health',
        authority: identity.etcdAuthority.files.certificate,
        ...identity.etcdClient,
      };
    }
    const own = { authority: identity.kubernetes.files.certificate, ...identity.administrator };
    return name === 'kube-apiserver'
      ? { port: ports.apiServer, path: '/readyz', ...own }
      : // /healthz is good before any controller runs; then it lists them.
        { port: ports.controllerManager, path: '/healthz?verbose', mentions: 'job-controller', ...own };
  }

  #explain(name: ProcessName, child: Child, reason: 'ExitedEarly' | 'NotReady', what: string): DevEnvironmentError {
    const lines = child.lastLines();
    const taken = lines.map((line) => /127\.0\.0\.1:(\d+): bind: address already in use/.exec(line)?.[1]).find(Boolean);
    if (taken !== undefined) return portTaken(Number(taken), name);
    const { directory } = this.#settings;
    return new DevEnvironmentError(
      reason,
      `${name} ${what} (${lines.at(-1)?.slice(0, 300) ?? 'it wrote nothing'}): read ${join(directory, 'logs', `${name}.log`)}, ` +
        `or remove ${directory} to start from nothing.`,
    );
  }
}
