import type { Logger } from '../log/logger.ts';
import type { LabelsOf } from '../metrics/catalogue.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createBackoff, pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { isGone, isKubeError, KubeError } from './error.ts';
import { type KubeObject, keyOf, type Resource } from './resources.ts';
import { createStore, type Store, trim, type WritableStore } from './store.ts';
import { watch } from './watch.ts';

export type Change = 'added' | 'updated' | 'deleted';

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Makes `store.byIndex` possible, for example the owner's name. */
  readonly indexBy?: ((object: T) => string | undefined) | undefined;
  /**
   * Called after the store knows. May only enqueue a key: no work, no waiting. A deleted and created object with the same
   * name is always told as two changes, because money hangs on the UID.
   */
  readonly onChange: (object: T, change: Change) => void;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  readonly pageSize?: number | undefined;
  /** Every so often everything is listed again, so that nothing a watch lost is lost for long. */
  readonly relistEveryMs?: number | undefined;
  /** Range of the watch's own end, in seconds. */
  readonly watchSeconds?: readonly [number, number] | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number } | undefined;
}

export interface Reflector<T extends KubeObject> {
  readonly store: Store<T>;
  /** Resolves after the first whole list. Workers and readiness wait for it. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** When the API server last said anything (Unix milliseconds), 0 before. */
  readonly lastActivity: number;
  /** Keeps the store true until the signal aborts; never throws. */
  run(signal: AbortSignal): Promise<void>;
}

type RelistReason = LabelsOf<'neurocards_reflector_relists_total'>['reason'];
type RestartReason = LabelsOf<'neurocards_reflector_watch_restarts_total'>['reason'];

const HEALTHY_MS = 120_000;

/**
 * Lists a resource and watches it, through every kind of trouble: a watch that ends is resumed from the last version seen,
 * an expired version is listed again, everything else is tried again with growing pauses for as long as it takes.
 */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, resource, namespace, labelSelector, onChange, metrics } = options;
  const { pageSize = 500, relistEveryMs = 600_000, watchSeconds = [300, 600], idleTimeoutMs = 150_000 } = options;
  const log = options.log.child({ resource: resource.plural });
  const store: WritableStore<T> = createStore(options.indexBy);
  const backoff = createBackoff(options.backoff ?? { initialMs: 800, maxMs: 30_000 });
  const synced = Promise.withResolvers<void>();
  const label = resource.plural === 'jobs' ? 'jobs' : 'videojobs';
  const relists = metrics?.counter('neurocards_reflector_relists_total');
  const restarts = metrics?.counter('neurocards_reflector_watch_restarts_total');
  const activity = metrics?.gauge('neurocards_reflector_last_activity_timestamp_seconds');
  const size = metrics?.gauge('neurocards_reflector_objects');
  let isSynced = false;
  let lastActivity = 0;

  function heard(): void {
    lastActivity = Date.now();
    activity?.set({ resource: label }, lastActivity / 1_000);
    size?.set({ resource: label }, store.size);
  }

  function tell(object: T, change: Change): void {
    try {
      onChange(object, change);
    } catch (error) {
      log.error(
        { err: error, key: keyOf(object), change },
        'A change could not be enqueued; the next list tells it again',
      );
    }
  }

  function put(object: T): void {
    const trimmed = trim(object);
    const before = store.put(trimmed);
    if (before === undefined) tell(trimmed, 'added');
    else if (before.metadata.uid !== trimmed.metadata.uid) {
      tell(before, 'deleted');
      tell(trimmed, 'added');
    } else if (before.metadata.resourceVersion !== trimmed.metadata.resourceVersion) tell(trimmed, 'updated');
  }

  function remove(key: string, last?: T): void {
    const before = store.remove(key);
    const gone = last === undefined ? before : trim(last);
    if (before !== undefined && gone !== undefined) tell(gone, 'deleted');
  }

  /** Lists all pages, then applies the differences in one go. Returns the version to watch from. */
  async function relist(reason: RelistReason, signal: AbortSignal): Promise<string> {
    relists?.inc({ resource: label, reason });
    const found: T[] = [];
    let token: string | undefined;
    let resourceVersion: string;
    do {
      const page = await client.list(resource, {
        namespace,
        labelSelector,
        limit: pageSize,
        continue: token,
        signal,
        timeoutMs: 30_000,
      });
      found.push(...page.items);
      ({ resourceVersion, continue: token } = page);
    } while (token !== undefined);
    const keys = new Set(found.map(keyOf));
    for (const key of store.keys()) if (!keys.has(key)) remove(key);
    for (const object of found) put(object);
    heard();
    if (!isSynced) log.info({ objects: store.size }, 'Cache filled');
    isSynced = true;
    synced.resolve();
    return resourceVersion;
  }

  /** Follows one watch to its clean end. `seen` is called with every version, so that a broken watch loses none. */
  async function follow(from: string, seen: (version: string) => void, signal: AbortSignal): Promise<void> {
    const [least, most] = watchSeconds;
    const events = watch(client, resource, {
      namespace,
      labelSelector,
      resourceVersion: from,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
      idleTimeoutMs,
      signal,
    });
    for await (const event of events) {
      if (event.type === 'DELETED') remove(keyOf(event.object), event.object);
      else if (event.type !== 'BOOKMARK') put(event.object);
      seen(event.resourceVersion);
      heard();
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let version: string | undefined;
    let reason: RelistReason = 'start';
    let listedAt = 0;
    while (!signal.aborted) {
      let moved = false;
      const start = performance.now();
      try {
        if (version === undefined) {
          version = await relist(reason, signal);
          listedAt = performance.now();
        }
        const seen = (next: string) => {
          moved ||= next !== version;
          version = next;
        };
        await follow(version, seen, signal);
        restarts?.inc({ resource: label, reason: 'closed' });
        if (performance.now() - listedAt > relistEveryMs) [version, reason] = [undefined, 'resync'];
        // A watch that told something, or lived long, ended as watches do: go on at once.
        if (moved || performance.now() - start > HEALTHY_MS) backoff.reset();
        else await pause(backoff.next(), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (moved || performance.now() - start > HEALTHY_MS) backoff.reset();
        if (isGone(error) || isKubeError(error, 'Unreadable')) [version, reason] = [undefined, 'expired'];
        const wait = Math.max(backoff.next(), isKubeError(error) ? (error.retryAfter ?? 0) : 0);
        const cause = restartReason(error);
        restarts?.inc({ resource: label, reason: cause });
        log.warn({ err: error, cause, resumeFrom: version, waitMs: Math.round(wait) }, 'Watch interrupted');
        await pause(wait, signal);
      }
    }
  }

  return {
    store,
    synced: synced.promise,
    get isSynced() {
      return isSynced;
    },
    get lastActivity() {
      return lastActivity;
    },
    run,
  };
}

function restartReason(error: unknown): RestartReason {
  if (!(error instanceof KubeError)) return 'error_event';
  if (error.status === 429) return 'throttled';
  if (error.reason === 'Timeout' && error.status === 0) return 'idle';
  if (error.status === 0) return 'network';
  return error.status >= 400 && error.status < 500 && error.status !== 410 ? 'refused' : 'error_event';
}
