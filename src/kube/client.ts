import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Metrics } from '../metrics/metrics.ts';
import { createCredentials, loadKubeConfig } from './credentials.ts';
import { isNotFound, KubeError } from './error.ts';
import type { KubeObject, Resource } from './resources.ts';
import { type CallOptions, createTransport, type Transport, type Verb } from './transport.ts';

export interface Target {
  readonly namespace: string;
  readonly name: string;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  readonly continue: string | undefined;
}

export interface WriteOptions extends CallOptions {
  /** `Strict`: an unknown field is refused with 400 instead of dropped without a word. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status' | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Nothing is deleted unless the object still has this UID. */
  readonly uid: string;
  readonly resourceVersion?: string | undefined;
  /** Stated always, because the API server's own default for a Job orphans its pod. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

/** Calls to the API server over raw JSON. Each throws KubeError and is made once: whoever calls decides about repeating. */
export interface KubeClient {
  /** A quorum read. Throws with reason NotFound. */
  get<T extends KubeObject>(resource: Resource<T>, target: Target, options?: CallOptions): Promise<T>;
  /** Like get; undefined where there is none. */
  find<T extends KubeObject>(resource: Resource<T>, target: Target, options?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<Page<T>>;
  /** Posts an object, or the exact bytes of one. Throws with AlreadyExists, Invalid (422), BadRequest (400). */
  create<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    body: object | string,
    options?: WriteOptions,
  ): Promise<T>;
  /** A merge patch (RFC 7386). With metadata.resourceVersion or metadata.uid inside it is conditional. */
  patch<T extends KubeObject>(resource: Resource<T>, target: Target, patch: object, options?: PatchOptions): Promise<T>;
  /** Replaces a whole object; its metadata.resourceVersion makes it conditional. */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    target: Target,
    body: object,
    options?: PatchOptions,
  ): Promise<T>;
  /** Asks for deletion. An object that is gone already throws NotFound; another UID throws Conflict. */
  delete<T extends KubeObject>(resource: Resource<T>, target: Target, options: DeleteOptions): Promise<void>;
  /** Any GET, for example /readyz. */
  read(path: string, options?: CallOptions): Promise<unknown>;
  readonly transport: Transport;
  /** Namespace of the kubeconfig's context, or of our own pod. */
  readonly namespace: string | undefined;
  close(): Promise<void>;
}

export interface KubeClientOptions {
  /** Path of a kubeconfig; otherwise KUBECONFIG, the home directory, or the pod's service account. */
  readonly kubeconfig?: string | undefined;
  readonly load?: (() => KubeConfig) | undefined;
  /** `neurocards-controller/0.1.0`: how we appear in the audit log. */
  readonly userAgent: string;
  readonly metrics?: Metrics | undefined;
}

const listBody = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
});

export function createKubeClient({ kubeconfig, load, userAgent, metrics }: KubeClientOptions): KubeClient {
  const credentials = createCredentials(load ?? (() => loadKubeConfig(kubeconfig)));
  const transport = createTransport({ credentials, userAgent, metrics });

  async function write<T extends KubeObject>(
    verb: Verb,
    resource: Resource<T>,
    path: string,
    body: object | string,
    { fieldValidation, signal, timeoutMs }: WriteOptions,
    contentType?: string,
  ): Promise<T> {
    const answer = await transport.call({
      verb,
      path,
      query: { fieldValidation },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      contentType,
      signal,
      timeoutMs,
    });
    return parseObject(resource, answer);
  }

  const get: KubeClient['get'] = async (resource, target, options = {}) =>
    parseObject(resource, await transport.call({ verb: 'GET', path: objectPath(resource, target), ...options }));

  return {
    transport,
    namespace: credentials.namespace,
    get,
    async find(resource, target, options) {
      try {
        return await get(resource, target, options);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async list(resource, { namespace, labelSelector, fieldSelector, limit, continue: token, ...options } = {}) {
      const answer = await transport.call({
        verb: 'GET',
        path: collectionPath(resource, namespace),
        query: {
          labelSelector,
          fieldSelector,
          limit: limit === undefined ? undefined : String(limit),
          continue: token,
        },
        ...options,
      });
      const { metadata, items } = listBody.parse(answer);
      return {
        // Items of a list come without kind and apiVersion; with them they have the shape that a watch gives.
        items: (items ?? []).map((item) => parseObject(resource, withKind(resource, item))),
        resourceVersion: metadata.resourceVersion,
        continue: metadata.continue || undefined,
      };
    },
    create: (resource, namespace, body, options = {}) =>
      write('POST', resource, collectionPath(resource, namespace), body, options),
    patch: (resource, target, patch, { subresource, ...options } = {}) =>
      write(
        'PATCH',
        resource,
        objectPath(resource, target, subresource),
        patch,
        options,
        'application/merge-patch+json',
      ),
    replace: (resource, target, body, { subresource, ...options } = {}) =>
      write('PUT', resource, objectPath(resource, target, subresource), body, options),
    async delete(resource, target, { uid, resourceVersion, propagationPolicy = 'Background', ...options }) {
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy,
        preconditions: { uid, resourceVersion },
      });
      await transport.call({ verb: 'DELETE', path: objectPath(resource, target), body, ...options });
    },
    read: (path, options = {}) => transport.call({ verb: 'GET', path, ...options }),
    close: () => transport.close(),
  };
}

export function collectionPath(resource: Resource<KubeObject>, namespace: string | undefined): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${resource.root}${within}/${resource.plural}`;
}

function objectPath(resource: Resource<KubeObject>, { namespace, name }: Target, subresource?: string): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

export function withKind(resource: Resource<KubeObject>, item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  return { apiVersion: resource.apiVersion, kind: resource.kind, ...item };
}

/** Reads an object, or throws KubeError: an answer of another shape is a proxy's, or a newer API server's. */
export function parseObject<T extends KubeObject>(resource: Resource<T>, value: unknown): T {
  try {
    return resource.parse(value);
  } catch (cause) {
    throw new KubeError({
      status: 0,
      reason: 'Unreadable',
      message: `The API server's answer is not a ${resource.kind} that this release can read; compare the versions.`,
      cause,
    });
  }
}
