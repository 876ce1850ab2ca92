import { type Api, ApiError } from './api.ts';
import { Backoff, untilAnswered, waited } from './backoff.ts';
import { type Capacity, misfit } from './capacity.ts';
import type { RecordEvent } from './events.ts';
import { type Pod, podName, podPath } from './pod.ts';
import { time } from './status.ts';

export interface BinderContext {
  api: Api;
  /** Of the node. */
  name: string;
  labels: Record<string, string>;
  capacity: Capacity;
  /** Pods bound to the node and not ended. */
  podsNow: () => number;
  event: RecordEvent;
  log: (message: string) => void;
  signal: AbortSignal;
}

/** Stands in for a scheduler with one node to offer: binds what fits, tells the rest why it waits. */
export class Binder {
  readonly #context: BinderContext;
  /** Pods that wait, by UID, with what was last told of them. */
  readonly #waiting = new Map<string, { pod: Pod; told?: string }>();
  readonly #binding = new Set<string>();

  constructor(context: BinderContext) {
    this.#context = context;
  }

  /** A Pod without a node, as it is now. */
  offer(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || pod.spec.schedulingGates.length > 0) return;
    const told = this.#waiting.get(uid)?.told;
    this.#waiting.set(uid, { pod, ...(told !== undefined && { told }) });
    this.#try(uid);
  }

  /** It is bound, ended or gone. */
  withdraw(uid: string): void {
    this.#waiting.delete(uid);
  }

  /** Room may have become free. */
  retry(): void {
    for (const uid of this.#waiting.keys()) this.#try(uid);
  }

  #try(uid: string): void {
    const entry = this.#waiting.get(uid);
    if (!entry || this.#binding.has(uid)) return;
    const { labels, capacity, podsNow } = this.#context;
    const why = misfit(entry.pod, { labels, capacity, podsNow: podsNow() + this.#binding.size });
    if (why !== undefined) {
      this.#tell(entry, why);
      return;
    }
    this.#binding.add(uid);
    void this.#bind(entry.pod).finally(() => this.#binding.delete(uid));
  }

  async #bind(pod: Pod): Promise<void> {
    const { api, name: nodeName, log, signal } = this.#context;
    const { name, namespace, uid } = pod.metadata;
    const body = {
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    const backoff = new Backoff(200, 5_000);
    while (this.#waiting.has(uid) && !signal.aborted) {
      try {
        await api.call('POST', `${podPath(pod.metadata)}/binding`, { body, signal });
        this.#waiting.delete(uid);
      } catch (error) {
        // Conflict: somebody bound or deleted it, perhaps this very call whose answer was lost; the watch will tell.
        const over = error instanceof ApiError && (error.reason === 'NotFound' || error.reason === 'Conflict');
        if (over) this.#waiting.delete(uid);
        else if (!signal.aborted) {
          log(`${podName(pod)}: not bound: ${error instanceof Error ? error.message : error}`);
          await waited(backoff.next(), signal);
        }
      }
    }
  }

  #tell(entry: { pod: Pod; told?: string }, message: string): void {
    if (entry.told === message) return;
    entry.told = message;
    const { api, event, log, signal } = this.#context;
    const { pod } = entry;
    event(pod, 'FailedScheduling', message);
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    const body = {
      metadata: { uid: pod.metadata.uid },
      status: { conditions: [{ ...condition, lastTransitionTime: time(new Date()) }] },
    };
    untilAnswered(() => api.call('PATCH', `${podPath(pod.metadata)}/status`, { body, signal }), signal).catch(
      (error: unknown) =>
        log(`${podName(pod)}: not told why it waits: ${error instanceof Error ? error.message : error}`),
    );
  }
}
