import { isTerminal, type Pod } from './pod.ts';
import type { RecordedEnd } from './records.ts';
import { rebooted } from './recovery.ts';
import { finalDelete } from './reporter.ts';
import { startTimeOf } from './status.ts';
import { PodWorker, type WorkerContext } from './worker.ts';

/** What cannot be reported in this time at a shutdown is left to the node's next life. */
const REPORTING_MS = 5_000;

/** The Pods bound to this node, each with its worker. */
export class NodePods {
  readonly #context: WorkerContext;
  readonly #past: Map<string, RecordedEnd>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #active = new Set<string>();
  onRoom: () => void = () => undefined;

  constructor(context: WorkerContext, past: Map<string, RecordedEnd>) {
    this.#context = context;
    this.#past = past;
  }

  /** How many are not ended. */
  active(): number {
    return this.#active.size;
  }

  isActive(uid: string): boolean {
    return this.#active.has(uid);
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
