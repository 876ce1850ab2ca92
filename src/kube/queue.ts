import type { Metrics } from '../metrics/metrics.ts';

export interface WorkQueueOptions {
  /** Label of the metrics. */
  readonly name: string;
  readonly metrics?: Metrics | undefined;
  /** Back-off of one key: doubles with every failure from here ... */
  readonly baseDelayMs?: number | undefined;
  /** ... to here. */
  readonly maxDelayMs?: number | undefined;
}

/**
 * A queue of keys with the semantics of client-go's (`util/workqueue`): a key is worked on by one worker at a time; added
 * again while it waits it stays one; added again while it is worked on it comes once more afterwards.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds later. Of several times for one key the earliest counts, so that a far net never hides a near deadline. */
  addAfter(key: string, ms: number): void;
  /** Adds after the key's back-off, which grows with every call until `forget`. */
  addRateLimited(key: string): void;
  /** Ends the key's back-off after a success. */
  forget(key: string): void;
  /** How often the key failed in a row. */
  retries(key: string): number;
  /** The next key; undefined once the queue is shut down (and, draining, empty). `done` must follow for each key. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** Keys that wait to be worked on; those being worked on are not counted. */
  readonly length: number;
  readonly isShuttingDown: boolean;
  /** Takes nothing more; what waits is still handed out, delayed keys are dropped. */
  shutDown(): void;
  /** Like shutDown, and resolves when every key that was handed out is done. */
  shutDownWithDrain(): Promise<void>;
}

export function createWorkQueue({ name, metrics, baseDelayMs = 5, maxDelayMs = 60_000 }: WorkQueueOptions): WorkQueue {
  const order: string[] = [];
  const dirty = new Set<string>();
  const processing = new Set<string>();
  const delayed = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  const failures = new Map<string, number>();
  const takers: ((key: string | undefined) => void)[] = [];
  const drained: (() => void)[] = [];
  const stats = createQueueStats(name, metrics, () => order.length);
  let shuttingDown = false;

  function enqueue(key: string): void {
    order.push(key);
    handOut();
  }

  function handOut(): void {
    while (takers.length > 0 && order.length > 0) {
      const key = order.shift();
      const take = takers.shift();
      if (key === undefined || take === undefined) return;
      dirty.delete(key);
      processing.add(key);
      stats.started(key);
      take(key);
    }
    if (!shuttingDown || order.length > 0) return;
    for (const take of takers.splice(0)) take(undefined);
    if (processing.size === 0) for (const resolve of drained.splice(0)) resolve();
  }

  function add(key: string): void {
    if (shuttingDown || dirty.has(key)) return;
    stats.added(key);
    dirty.add(key);
    if (!processing.has(key)) enqueue(key);
  }

  function addAfter(key: string, ms: number): void {
    if (shuttingDown) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const at = performance.now() + ms;
    const planned = delayed.get(key);
    if (planned !== undefined && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(
      () => {
        delayed.delete(key);
        add(key);
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    delayed.set(key, { at, timer });
  }

  function shutDown(): void {
    shuttingDown = true;
    for (const { timer } of delayed.values()) clearTimeout(timer);
    delayed.clear();
    handOut();
  }

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      stats.retried();
      // 2^30 * 5 ms is past every bound; the cap keeps the number finite.
      addAfter(key, Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(count, 30)));
    },
    forget: (key) => void failures.delete(key),
    retries: (key) => failures.get(key) ?? 0,
    get: () =>
      new Promise((resolve) => {
        takers.push(resolve);
        handOut();
      }),
    done(key) {
      if (!processing.delete(key)) return;
      stats.finished(key);
      if (dirty.has(key)) enqueue(key);
      else handOut();
    },
    get length() {
      return order.length;
    },
    get isShuttingDown() {
      return shuttingDown;
    },
    shutDown,
    shutDownWithDrain() {
      const { promise, resolve } = Promise.withResolvers<void>();
      drained.push(resolve);
      shutDown();
      return promise;
    },
  };
}

/** setTimeout takes 31 bits; a longer delay comes early, which a level-based pass does not mind. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The metrics of client-go's queues, so that dashboards made for them fit. */
function createQueueStats(name: string, metrics: Metrics | undefined, depth: () => number) {
  const labels = { name };
  const adds = metrics?.counter('workqueue_adds_total');
  const retries = metrics?.counter('workqueue_retries_total');
  const waited = metrics?.histogram('workqueue_queue_duration_seconds');
  const worked = metrics?.histogram('workqueue_work_duration_seconds');
  const addedAt = new Map<string, number>();
  const startedAt = new Map<string, number>();
  adds?.inc(labels, 0);
  retries?.inc(labels, 0);
  const ages = () => [...startedAt.values()].map((start) => (performance.now() - start) / 1_000);
  metrics?.collect('workqueue_depth', (gauge) => gauge.set(labels, depth()));
  metrics?.collect('workqueue_unfinished_work_seconds', (gauge) => {
    gauge.set(
      labels,
      ages().reduce((sum, age) => sum + age, 0),
    );
  });
  metrics?.collect('workqueue_longest_running_processor_seconds', (gauge) => {
    gauge.set(labels, Math.max(0, ...ages()));
  });
  return {
    added(key: string) {
      adds?.inc(labels);
      if (!addedAt.has(key)) addedAt.set(key, performance.now());
    },
    retried: () => retries?.inc(labels),
    started(key: string) {
      const now = performance.now();
      waited?.observe(labels, (now - (addedAt.get(key) ?? now)) / 1_000);
      addedAt.delete(key);
      startedAt.set(key, now);
    },
    finished(key: string) {
      const now = performance.now();
      worked?.observe(labels, (now - (startedAt.get(key) ?? now)) / 1_000);
      startedAt.delete(key);
    },
  };
}
