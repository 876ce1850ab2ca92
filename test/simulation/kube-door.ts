import type { KubeClient, Page } from '../../src/kube/client.ts';
import { isNotFound } from '../../src/kube/error.ts';
import type { KubeObject, Resource } from '../../src/kube/resources.ts';
import { type ApiServer, kubeError, type StoredObject } from './api-server.ts';
import type { Misdeed } from './luck.ts';
import type { Network, Outcome } from './network.ts';
import type { Process } from './process.ts';
import { asRead } from './reading.ts';

const writing: readonly Misdeed[] = [
  ...(['before', 'after', 'delayed', 'twice', 'kill before', 'kill after', 'pause', 'busy', 'conflict'] as const),
];
const reading: readonly Misdeed[] = ['before', 'after', 'kill before', 'busy', 'pause'];
/** The transport's own limit of a call. */
const limitMs = 15_000;

/** The API server as one process of ours reaches it. */
export function kubeDoor(network: Network, server: ApiServer, process: Process): KubeClient {
  const lost = (): Outcome<never> => ({ error: kubeError(0, 'Network', 'the connection was reset') });

  function ask<R>(
    effect: string,
    name: string | undefined,
    misdeeds: readonly Misdeed[],
    perform: () => R,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<R> {
    return network.ask<R>({
      ...{ process, side: 'api', effect, about: orderOf(name), misdeeds, perform, lost, signal, limitMs },
      instead: ({ misdeed }) => ({
        error:
          misdeed === 'conflict'
            ? kubeError(409, 'Conflict', 'the object has been modified')
            : kubeError(503, 'ServiceUnavailable', 'the server is overloaded'),
      }),
    });
  }

  const get: KubeClient['get'] = (resource, { name }, options) =>
    ask(`get ${resource.kind}`, name, reading, () => asRead(resource, server.get(resource.plural, name)), options);

  return {
    get,
    async find(resource, target, options) {
      try {
        return await get(resource, target, options);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    list<T extends KubeObject>(
      resource: Resource<T>,
      { labelSelector }: { labelSelector?: string | undefined } = {},
    ): Promise<Page<T>> {
      return ask(`list ${resource.plural}`, undefined, reading, () => ({
        items: server
          .list(resource.plural)
          .filter(matching(labelSelector))
          .map((one) => asRead(resource, one)),
        ...{ resourceVersion: '0', continue: undefined },
      }));
    },
    create(resource, namespace, body, options) {
      const given: unknown = typeof body === 'string' ? JSON.parse(body) : body;
      if (typeof given !== 'object' || given === null) throw kubeError(400, 'BadRequest');
      const name = nameOf(given);
      const effect = effectOfCreate(resource.plural, name);
      return ask(
        effect,
        name,
        writing,
        () => asRead(resource, server.create(resource.plural, namespace, given)),
        options,
      );
    },
    patch(resource, { name }, patch, { subresource, ...options } = {}) {
      const effect = subresource === 'status' ? 'status mirror' : 'spec' in patch ? 'mirror cancel' : 'finalizer';
      const perform = (): StoredObject => server.patch(resource.plural, name, patch, subresource);
      return ask(effect, name, writing, () => asRead(resource, perform()), options);
    },
    replace: () => Promise.reject(kubeError(405, 'MethodNotAllowed')),
    delete(resource, { name }, { uid, ...options }) {
      return ask(`delete ${resource.kind}`, name, writing, () => server.delete(resource.plural, name, uid), options);
    },
    read: () => Promise.reject(kubeError(404, 'NotFound')),
    transport: {
      call: () => Promise.reject(kubeError(405, 'MethodNotAllowed')),
      stream: () => Promise.reject(kubeError(405, 'MethodNotAllowed')),
      close: () => Promise.resolve(),
    },
    namespace: 'jobs',
    close: () => Promise.resolve(),
  };
}

function nameOf(body: object): string {
  const metadata: unknown = Reflect.get(body, 'metadata');
  return typeof metadata === 'object' && metadata !== null ? String(Reflect.get(metadata, 'name')) : '';
}

function effectOfCreate(plural: string, name: string): string {
  if (plural === 'videojobs') return 'relay POST';
  return name.includes('-gen-') ? 'generation Job' : 'delivery Job';
}

/** The order in the name of its VideoJob or of a child. */
export function orderOf(name: string | undefined): string | undefined {
  return name?.startsWith('vj-') === true ? name.slice(3, 15) : undefined;
}

function matching(selector: string | undefined): (object: StoredObject) => boolean {
  const wanted = (selector ?? '').split(',').filter((part) => part !== '');
  return ({ metadata: { labels } }) =>
    wanted.every((part) => {
      const [key = '', value] = part.split('=');
      return value === undefined ? labels?.[key] !== undefined : labels?.[key] === value;
    });
}
