import { z } from 'zod';
import { type Api, ApiError } from './api.ts';
import type { Pod } from './pod.ts';

export type SourceKind = 'Secret' | 'ConfigMap';

/** A Secret or ConfigMap that a Pod needs is not there (yet); the message is what its waiting status says. */
export class SourceError extends Error {
  readonly reason = 'SourceMissing';

  constructor(message: string) {
    super(message);
    this.name = 'SourceError';
  }
}

/** The Secrets and ConfigMaps of one Pod as they were read just now. */
export interface Sources {
  /** The keys of one; undefined when it is missing and optional. @throws SourceError when it is missing otherwise. */
  read(kind: SourceKind, name: string, optional: boolean): ReadonlyMap<string, Buffer> | undefined;
}

const SecretData = z.object({ data: z.record(z.string(), z.base64()).default({}) });
const ConfigMapData = z.object({
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.base64()).default({}),
});

/** Sources out of what was already read, by `Kind/name`. */
export function sourcesOf(found: ReadonlyMap<string, ReadonlyMap<string, Buffer>>): Sources {
  return {
    read(kind, name, optional) {
      const data = found.get(`${kind}/${name}`);
      if (!data && !optional) throw new SourceError(`${kind.toLowerCase()} ${JSON.stringify(name)} not found`);
      return data;
    },
  };
}

/** Reads every Secret and ConfigMap the Pod names, all at once. @throws ApiError when the API server does not answer. */
export async function readSources(api: Api, pod: Pod, signal: AbortSignal): Promise<Sources> {
  const found = new Map<string, ReadonlyMap<string, Buffer>>();
  const wanted = [...namesIn(pod)];
  await Promise.all(
    wanted.map(async (id) => {
      const [kind = '', name = ''] = id.split('/');
      const resource = kind === 'Secret' ? 'secrets' : 'configmaps';
      const path = `/api/v1/namespaces/${pod.metadata.namespace}/${resource}/${encodeURIComponent(name)}`;
      try {
        const object = await api.call('GET', path, { signal });
        found.set(id, kind === 'Secret' ? secretData(object) : configMapData(object));
      } catch (error) {
        if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
      }
    }),
  );
  return sourcesOf(found);
}

function namesIn({ spec }: Pod): Set<string> {
  const names = new Set<string>();
  for (const volume of spec.volumes) {
    if (volume.secret) names.add(`Secret/${volume.secret.secretName}`);
    if (volume.configMap) names.add(`ConfigMap/${volume.configMap.name}`);
  }
  for (const { env, envFrom } of spec.containers) {
    for (const { secretRef, configMapRef } of envFrom) {
      if (secretRef) names.add(`Secret/${secretRef.name}`);
      if (configMapRef) names.add(`ConfigMap/${configMapRef.name}`);
    }
    for (const { valueFrom } of env) {
      if (valueFrom?.secretKeyRef) names.add(`Secret/${valueFrom.secretKeyRef.name}`);
      if (valueFrom?.configMapKeyRef) names.add(`ConfigMap/${valueFrom.configMapKeyRef.name}`);
    }
  }
  return names;
}

function secretData(object: unknown): Map<string, Buffer> {
  const { data } = SecretData.parse(object);
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

function configMapData(object: unknown): Map<string, Buffer> {
  const { data, binaryData } = ConfigMapData.parse(object);
  return new Map([
    ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  ]);
}
