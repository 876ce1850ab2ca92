import { join, resolve } from 'node:path';
import { checkout } from '../places.ts';
import { connect } from './api.ts';
import { Binder } from './binder.ts';
import { machineCapacity } from './capacity.ts';
import { NodeDirectory } from './directory.ts';
import { eventRecorder } from './events.ts';
import { followPods } from './following.ts';
import type { Image } from './image.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { type LogServer, serveLogs } from './logs.ts';
import { NodePods } from './pods.ts';
import { claimDirectory, Records } from './records.ts';
import { recover } from './recovery.ts';
import { keepAlive, nodeLabels, register } from './registration.ts';

export interface NodeOptions {
  kubeconfig: string;
  /** The node's own directory; a later life on it takes up what this one leaves. */
  directory: string;
  /** Name of the Node object; `dev-node` unless told. */
  name?: string;
  /** Namespaces whose Pods it takes; all of them when empty. */
  namespaces?: readonly string[];
  /** Image repository to checkout; `neurocards` to this checkout unless told. */
  images?: Readonly<Record<string, string>>;
  /** The runner's bundle; `dist/runner.mjs` of the image's checkout unless told. */
  runnerBundle?: string;
  /** Pods at once; 110 unless told, as a kubelet. */
  mostPods?: number;
  log?: (message: string) => void;
}

export interface RunningNode {
  readonly name: string;
  readonly pid: number;
  /**
   * Stops taking Pods, ends the running ones (SIGTERM, the Pod's grace but at most `mostGraceSeconds`, SIGKILL), and
   * reports them Failed as a node that is shut down; what cannot be reported within 5 s is left to the next life.
   */
  close(mostGraceSeconds?: number): Promise<void>;
  /** Kills every container at once and reports nothing: the next life will. For a process about to exit. */
  kill(): void;
}

const PATIENCE_MS = 3_000;
const SHUTDOWN_GRACE_SECONDS = 30;

/**
 * Starts a stand-in for a kubelet and a scheduler: registers a Node, binds waiting Pods to it and runs them as local
 * processes. Resolves once it is Ready and has seen every Pod there is; waits for an API server that is away.
 * @throws DevEnvironmentError `DirectoryInUse` or `BadSetting`; ApiError when the API server refuses the Node.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { name = 'dev-node', mostPods = 110, log = () => undefined, namespaces = [] } = options;
  const access = readKubeconfig(options.kubeconfig);
  const directory = new NodeDirectory(options.directory);
  const release = claimDirectory(directory);
  const records = new Records(directory);
  const stopping = new AbortController();
  const reporting = new AbortController();
  const api = connect(access);
  let logs: LogServer | undefined;
  const leave = async () => {
    stopping.abort();
    reporting.abort();
    await Promise.all([api.close(), logs?.close()]);
    release();
  };
  try {
    const event = eventRecorder(api, name, log);
    const context = { api, directory, records, images: imagesOf(options), event, log, signal: reporting.signal };
    const pods = new NodePods(context, await recover(directory, records, log));
    logs = await serveLogs(directory, access.ca, (uid) => pods.isActive(uid));
    const self = { name, labels: nodeLabels(name), capacity: machineCapacity(mostPods), port: logs.port };
    const registration = { ...self, api, log, signal: stopping.signal };
    const patience = setTimeout(() => log(`waits for the API server at ${access.server}`), PATIENCE_MS);
    await register(registration).finally(() => clearTimeout(patience));
    const binder = new Binder({ ...registration, podsNow: () => pods.active(), event });
    pods.onRoom = () => binder.retry();
    const follows = followPods(api, { name, namespaces, pods, binder, log }, stopping.signal);
    await follows.synced;
    pods.forgetAbsent();
    void keepAlive(registration);
    log(`node ${name} is ready, logs of its pods are in ${directory.logs}`);
    return {
      name,
      pid: process.pid,
      async close(mostGraceSeconds = SHUTDOWN_GRACE_SECONDS) {
        stopping.abort();
        await follows.ended;
        await pods.shutdown(mostGraceSeconds, reporting);
        await leave();
      },
      kill: () => pods.kill(),
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

function imagesOf({ images = { neurocards: checkout }, runnerBundle }: NodeOptions): Map<string, Image> {
  return new Map(
    Object.entries(images).map(([name, path]) => {
      const root = resolve(path);
      return [name, { checkout: root, runnerBundle: resolve(runnerBundle ?? join(root, 'dist', 'runner.mjs')) }];
    }),
  );
}
