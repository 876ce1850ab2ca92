import { type KubeObject, keyOf } from './resources.ts';
import { compareResourceVersions } from './version.ts';

/** What the API server said last about every object, read-only. Objects are frozen and have no managedFields. */
export interface Store<T extends KubeObject> {
  get(key: string): T | undefined;
  list(): T[];
  /** Objects that the reflector's `indexBy` gave this value. */
  byIndex(value: string): T[];
  readonly size: number;
  /**
   * Remembers what a write of ours answered, so that an older copy is recognised until a watch has caught up. Safe to
   * call for every answer.
   */
  wrote(object: KubeObject): void;
  /**
   * For how many milliseconds it has been known that there is a newer version than this copy, because we wrote one or the API server said so:
   * nothing may be decided from it. Undefined for a copy that is the newest as far as anybody knows.
   */
  staleForMs(object: KubeObject): number | undefined;
  /** Remembers that the API server has a newer version than this copy. */
  outdated(object: KubeObject): void;
}

export interface WritableStore<T extends KubeObject> extends Store<T> {
  /** Returns what was there before. */
  put(object: T): T | undefined;
  remove(key: string): T | undefined;
  keys(): string[];
}

/** The newest version that is known of an object; with `isOutdated` there is one after it, which nobody has seen. */
interface KnownVersion {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly isOutdated: boolean;
  /** By the clock of `performance.now()`. */
  readonly at: number;
}

export function createStore<T extends KubeObject>(indexBy?: (object: T) => string | undefined): WritableStore<T> {
  const objects = new Map<string, T>();
  const index = new Map<string, Set<string>>();
  const newest = new Map<string, KnownVersion>();

  const unindex = (key: string, object: T) => {
    const value = indexBy?.(object);
    if (value === undefined) return;
    const keys = index.get(value);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(value);
  };

  /** What is known that is newer than this copy. */
  const newerThan = ({ metadata }: KubeObject, key: string): KnownVersion | undefined => {
    const last = newest.get(key);
    if (last === undefined || last.uid !== metadata.uid) return undefined;
    const order = compareResourceVersions(metadata.resourceVersion, last.resourceVersion);
    return order !== undefined && (order < 0 || (order === 0 && last.isOutdated)) ? last : undefined;
  };

  const store: WritableStore<T> = {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    keys: () => [...objects.keys()],
    byIndex: (value) =>
      [...(index.get(value) ?? [])].flatMap((key) => {
        const object = objects.get(key);
        return object === undefined ? [] : [object];
      }),
    get size() {
      return objects.size;
    },
    put(object) {
      const key = keyOf(object);
      const before = objects.get(key);
      if (before !== undefined) unindex(key, before);
      objects.set(key, object);
      const value = indexBy?.(object);
      if (value !== undefined) index.set(value, (index.get(value) ?? new Set()).add(key));
      if (newest.has(key) && newerThan(object, key) === undefined) newest.delete(key);
      return before;
    },
    remove(key) {
      const before = objects.get(key);
      if (before !== undefined) unindex(key, before);
      objects.delete(key);
      newest.delete(key);
      return before;
    },
    wrote(object) {
      const key = keyOf(object);
      const { uid, resourceVersion } = object.metadata;
      const seen = objects.get(key)?.metadata;
      // The watch may have been faster than the answer to our write.
      const caughtUp = seen?.uid === uid && (compareResourceVersions(seen.resourceVersion, resourceVersion) ?? -1) >= 0;
      if (caughtUp || newerThan(object, key) !== undefined) return;
      newest.set(key, { uid, resourceVersion, isOutdated: false, at: performance.now() });
    },
    staleForMs(object) {
      const newer = newerThan(object, keyOf(object));
      return newer === undefined ? undefined : performance.now() - newer.at;
    },
    outdated(object) {
      const key = keyOf(object);
      const { uid, resourceVersion } = object.metadata;
      if (newerThan(object, key) !== undefined) return;
      newest.set(key, { uid, resourceVersion, isOutdated: true, at: performance.now() });
    },
  };
  return store;
}

/** Freezes an object for the store, without the bookkeeping that is often most of its size. */
export function trim<T extends KubeObject>(object: T): T {
  const { managedFields: _managed, ...metadata } = object.metadata;
  const annotations = metadata.annotations;
  if (annotations !== undefined && LAST_APPLIED in annotations) {
    const { [LAST_APPLIED]: _applied, ...others } = annotations;
    metadata.annotations = others;
  }
  return deepFreeze({ ...object, metadata });
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value) as unknown[]) deepFreeze(part);
  }
  return value;
}
