import { join, resolve } from 'node:path';
import { checkout } from '../places.ts';
import { type Api, connect } from './api.ts';
import { Binder } from './binder.ts';
import { machineCapacity } from './capacity.ts';
import { NodeDirectory } from './directory.ts';
import { eventRecorder } from './events.ts';
import type { Image } from './image.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { isTerminal, Pod } from './pod.ts';
import { claimDirectory, type RecordedEnd, Records } from './records.ts';
import { rebooted, recover } from './recovery.ts';
import { keepAlive, nodeLabels, register } from './registration.ts';
import { finalDelete } from './reporter.ts';
import { startTimeOf } from './status.ts';
import { follow, type WatchHandlers } from './watch.ts';
import { PodWorker, type WorkerContext } from './worker.ts';

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

const REPORTING_MS = 5_000;
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
  try {
    const past = await recover(directory, records, log);
    const capacity = machineCapacity(mostPods);
    const labels = nodeLabels(name);
    const registration = { api, name, labels, capacity, log, signal: stopping.signal };
    const patience = setTimeout(() => log(`waits for the API server at ${access.server}`), PATIENCE_MS);
    await register(registration).finally(() => clearTimeout(patience));
    const event = eventRecorder(api, name, log);
    const context: WorkerContext = {
      api,
      directory,
      records,
      images: imagesOf(options),
      event,
      log,
      signal: reporting.signal,
    };
    const pods = new NodePods(context, past);
    const podsNow = () => pods.active();
    const binder = new Binder({ api, nodeName: name, labels, capacity, podsNow, event, log, signal: stopping.signal });
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
        await api.close();
        release();
      },
      kill: () => pods.kill(),
    };
  } catch (error) {
    stopping.abort();
    reporting.abort();
    await api.close();
    release();
    throw error;
  }
}

/** The Pods bound to this node, each with its worker. */
class NodePods {
  readonly #context: WorkerContext;
  readonly #past: Map<string, RecordedEnd>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #active = new Set<string>();
  onRoom: () => void = () => undefined;

  constructor(context: WorkerContext, past: Map<string, RecordedEnd>) {
    this.#context = context;
    this.#past = past;
  }

  active(): number {
    return this.#active.size;
  }

  update(pod: Pod): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker) {
      worker.update(pod);
      return;
    }
    const end =
      this.#past.get(uid) ??
      (pod.status.phase === 'Running' ? rebooted({ startTime: startTimeOf(pod, new Date()) }) : undefined);
    this.#past.delete(uid);
    if (isTerminal(pod)) {
      // Its end is known already; only the last word of an earlier life may be missing.
      this.#context.records.remove(uid);
      if (deletionTimestamp === undefined || deletionGracePeriodSeconds === 0) return;
      finalDelete(this.#context.api, pod, this.#context.signal).catch((error: unknown) =>
        this.#context.log(`${error}`),
      );
      return;
    }
    const started = new PodWorker(pod, this.#context, end);
    this.#workers.set(uid, started);
    this.#active.add(uid);
    void started.done.then(() => {
      this.#active.delete(uid);
      this.onRoom();
    });
  }

  gone(uid: string): void {
    const worker = this.#workers.get(uid);
    this.#workers.delete(uid);
    worker?.gone();
  }

  /** Ends of Pods that were not in the whole list concern nobody any more. */
  forgetAbsent(): void {
    for (const uid of this.#past.keys()) this.#context.records.remove(uid);
    this.#past.clear();
    this.#context.directory.tidy(new Set(this.#workers.keys()));
  }

  kill(): void {
    for (const worker of this.#workers.values()) worker.kill();
  }

  async shutdown(mostGraceSeconds: number, reporting: AbortController): Promise<void> {
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.shutdown(mostGraceSeconds);
    const done = Promise.all(workers.map((worker) => worker.done));
    const timer = setTimeout(() => reporting.abort(), mostGraceSeconds * 1000 + REPORTING_MS);
    await done;
    clearTimeout(timer);
    reporting.abort();
  }
}

interface Following {
  name: string;
  namespaces: readonly string[];
  pods: NodePods;
  binder: Binder;
  log: (message: string) => void;
}

function followPods(api: Api, { name, namespaces, pods, binder, log }: Following, signal: AbortSignal) {
  const paths = namespaces.length === 0 ? ['/api/v1/pods'] : namespaces.map((one) => `/api/v1/namespaces/${one}/pods`);
  const parsed = (handle: (pod: Pod) => void) => (object: unknown) => {
    const pod = Pod.safeParse(object);
    if (pod.success) handle(pod.data);
    else log(`a pod is not understood: ${pod.error.message}`);
  };
  const start = (path: string, fieldSelector: string, handlers: Pick<WatchHandlers, 'onObject' | 'onGone'>) => {
    const synced = Promise.withResolvers<void>();
    const onTrouble = (message: string) => log(`watch of ${path}: ${message}`);
    const ended = follow(
      api,
      { path, query: { fieldSelector } },
      { ...handlers, onSynced: synced.resolve, onTrouble },
      signal,
    );
    return { synced: synced.promise, ended };
  };
  const all = paths.flatMap((path) => [
    start(path, `spec.nodeName=${name}`, {
      onObject: parsed((pod) => pods.update(pod)),
      onGone: (uid) => pods.gone(uid),
    }),
    start(path, 'spec.nodeName=,status.phase=Pending', {
      onObject: parsed((pod) => binder.offer(pod)),
      onGone: (uid) => binder.withdraw(uid),
    }),
  ]);
  return {
    synced: Promise.all(all.map(({ synced }) => synced)),
    ended: Promise.all(all.map(({ ended }) => ended)),
  };
}

function imagesOf({ images = { neurocards: checkout }, runnerBundle }: NodeOptions): Map<string, Image> {
  return new Map(
    Object.entries(images).map(([name, path]) => {
      const root = resolve(path);
      return [name, { checkout: root, runnerBundle: resolve(runnerBundle ?? join(root, 'dist', 'runner.mjs')) }];
    }),
  );
}
