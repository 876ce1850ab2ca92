import type { KubeObject, Resource } from '../../src/kube/resources.ts';
import { trim } from '../../src/kube/store.ts';
import type { StoredObject } from './api-server.ts';

const read = new WeakMap<StoredObject, KubeObject>();

/**
 * A stored object as the product reads it. Whoever asks again for the same version is given the same answer, which is frozen: nobody can
 * change what another one sees.
 */
export function asRead<T extends KubeObject>(resource: Resource<T>, stored: StoredObject): T {
  const known = read.get(stored);
  // An object is of one kind for ever, so it was read as this one.
  if (known !== undefined) return known as T;
  const object = trim(resource.parse(stored));
  read.set(stored, object);
  return object;
}
