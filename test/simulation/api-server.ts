import { KubeError } from '../../src/kube/error.ts';
import type { KubeObject } from '../../src/kube/resources.ts';
import { finishedReason } from './conditions.ts';
import type { Undo } from './network.ts';

type Json = Readonly<Record<string, unknown>>;

/** One change as watches tell it. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly plural: string;
  readonly object: StoredObject;
}

/** An object as the server stores it; replaced as a whole by every write, so a copy that was handed out stays as it was. */
export interface StoredObject extends KubeObject {
  readonly spec?: Json;
  readonly status?: Json;
}

/** A server's answer of trouble. */
export function kubeError(status: number, reason: string, message = reason, causes: string[] = []): KubeError {
  return new KubeError({ status, reason, message, causes });
}

/**
 * The API server's part that our program depends on: names, UIDs, resource versions, preconditions, finalizers, the status
 * subresource, defaults and the one rule about Finished. Every write is in `changes`, which is what watches read.
 */
export class ApiServer {
  readonly changes: Change[] = [];
  readonly objects = new Map<string, StoredObject>();
  readonly #now: () => number;
  readonly #uid: () => string;
  #version = 1000;
  onChange: (change: Change) => void = () => undefined;

  constructor(now: () => number, uid: () => string) {
    this.#now = now;
    this.#uid = uid;
  }

  list(plural: string): StoredObject[] {
    return [...this.objects].flatMap(([key, object]) => (key.startsWith(`${plural}/`) ? [object] : []));
  }

  find(plural: string, name: string): StoredObject | undefined {
    return this.objects.get(`${plural}/${name}`);
  }

  get(plural: string, name: string): StoredObject {
    const found = this.find(plural, name);
    if (found === undefined) throw kubeError(404, 'NotFound', `${plural} "${name}" not found`);
    return found;
  }

  create(plural: string, namespace: string, body: object): StoredObject {
    const given = jsonOf(body);
    const metadata = jsonOf(given['metadata']);
    const name = String(metadata['name']);
    if (this.find(plural, name) !== undefined) throw kubeError(409, 'AlreadyExists', `${plural} "${name}" exists`);
    const spec = plural === 'videojobs' ? { ...videoJobDefaults, ...jsonOf(given['spec']) } : jsonOf(given['spec']);
    const object: StoredObject = {
      ...given,
      metadata: {
        ...metadata,
        ...{ name, namespace, uid: this.#uid(), resourceVersion: this.#next(), generation: 1 },
        creationTimestamp: this.#time(),
      },
      spec,
    };
    return this.#store('ADDED', plural, object);
  }

  /** A merge patch; `status` alone through its subresource, everything else without it. */
  patch(plural: string, name: string, patch: object, subresource?: 'status'): StoredObject {
    const before = this.get(plural, name);
    const given = jsonOf(patch);
    const metadata = given['metadata'] === undefined ? {} : jsonOf(given['metadata']);
    this.#expect(before, metadata);
    if (subresource === 'status') {
      const status = jsonOf(merge(before.status ?? {}, given['status']));
      refuseUnfinishing(before.status, status);
      return this.#store('MODIFIED', plural, this.#renewed(before, { status }));
    }
    const spec = jsonOf(merge(before.spec ?? {}, given['spec'] ?? {}));
    const isSpecChanged = JSON.stringify(spec) !== JSON.stringify(before.spec);
    const finalizers = metadata['finalizers'];
    const after = this.#renewed(before, {
      spec,
      metadata: {
        ...before.metadata,
        ...(Array.isArray(finalizers) ? { finalizers: finalizers.map(String) } : {}),
        generation: (before.metadata.generation ?? 1) + (isSpecChanged ? 1 : 0),
      },
    });
    const isLetGo = after.metadata.deletionTimestamp !== undefined && (after.metadata.finalizers ?? []).length === 0;
    return this.#store(isLetGo ? 'DELETED' : 'MODIFIED', plural, after);
  }

  delete(plural: string, name: string, uid?: string): void {
    const before = this.get(plural, name);
    if (uid !== undefined && before.metadata.uid !== uid) {
      throw kubeError(409, 'Conflict', `Precondition failed: UID in precondition: ${uid}`);
    }
    if ((before.metadata.finalizers ?? []).length === 0) {
      this.#store('DELETED', plural, this.#renewed(before, {}));
      return;
    }
    if (before.metadata.deletionTimestamp !== undefined) return;
    const metadata = {
      ...before.metadata,
      ...{ deletionTimestamp: this.#time(), generation: (before.metadata.generation ?? 1) + 1 },
    };
    this.#store('MODIFIED', plural, this.#renewed(before, { metadata }));
  }

  /** For the world's own hands: a Job's status, a stripped finalizer. */
  alter(plural: string, name: string, change: (object: StoredObject) => Partial<StoredObject>): void {
    const before = this.find(plural, name);
    if (before === undefined) return;
    const after = this.#renewed(before, change(before));
    const isLetGo = after.metadata.deletionTimestamp !== undefined && (after.metadata.finalizers ?? []).length === 0;
    this.#store(isLetGo ? 'DELETED' : 'MODIFIED', plural, after);
  }

  /** So that what follows can be taken back as if it had never been asked for. */
  snapshot(): Undo {
    const objects = new Map(this.objects);
    const told = this.changes.length;
    return () => {
      this.objects.clear();
      for (const [key, object] of objects) this.objects.set(key, object);
      this.changes.length = told;
    };
  }

  #renewed(before: StoredObject, change: Partial<StoredObject>): StoredObject {
    const after = { ...before, ...change };
    return { ...after, metadata: { ...after.metadata, resourceVersion: this.#next() } };
  }

  #store(type: Change['type'], plural: string, object: StoredObject): StoredObject {
    const key = `${plural}/${object.metadata.name}`;
    if (type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, object);
    const change = { type, plural, object };
    this.changes.push(change);
    this.onChange(change);
    return object;
  }

  #expect({ metadata }: StoredObject, { uid, resourceVersion }: Json): void {
    if (uid !== undefined && uid !== metadata.uid) throw kubeError(409, 'Conflict', 'the UID is another one');
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      throw kubeError(409, 'Conflict', 'the object has been modified');
    }
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #time(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d{3}Z$/, 'Z');
  }
}

const videoJobDefaults = { cancel: false, suspend: false, ttlSecondsAfterFinished: 86_400 };

function jsonOf(value: unknown): Json {
  if (!isJson(value)) throw kubeError(400, 'BadRequest', 'not an object');
  return value;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

/** The rule of the CRD: once Finished is True it stays so, with the same reason. */
function refuseUnfinishing(before: Json | undefined, after: Json): void {
  const reason = finishedReason(before);
  if (reason !== undefined && finishedReason(after) !== reason) {
    throw kubeError(422, 'Invalid', 'Finished never changes');
  }
}
