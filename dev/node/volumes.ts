import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Api, ApiError } from './api.ts';
import type { Pod, Volume } from './pod.ts';
import { SourceError, type Sources } from './sources.ts';

/** A volume that is not ready (yet); a kubelet leaves the container in `ContainerCreating` and tries again. */
export class VolumeError extends Error {
  readonly reason = 'FailedMount';

  constructor(volume: string, why: string) {
    super(`MountVolume.SetUp failed for volume ${JSON.stringify(volume)}: ${why}`);
    this.name = 'VolumeError';
  }
}

const Claim = z.object({ spec: z.object({ volumeName: z.string().default('') }) });
const PersistentVolume = z.object({
  spec: z.object({ hostPath: z.object({ path: z.string(), type: z.string().default('') }).optional() }),
});

/**
 * Makes every volume of the Pod a directory: empty ones and files of Secrets and ConfigMaps under `directory`, a claim
 * as the hostPath of the PersistentVolume that its `volumeName` names (nothing here binds claims). Safe to repeat.
 * @throws VolumeError when something it needs is missing; ApiError when the API server does not answer.
 */
export async function makeVolumes(
  pod: Pod,
  directory: string,
  sources: Sources,
  api: Api,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const made = await Promise.all(
    pod.spec.volumes.map(async (volume): Promise<[string, string]> => {
      const { name, persistentVolumeClaim: claim } = volume;
      if (claim) {
        return [name, await claimedDirectory(api, pod.metadata.namespace, claim.claimName, name, signal)];
      }
      const own = join(directory, name);
      await mkdir(own, { recursive: true, mode: 0o700 });
      for (const file of filesOf(volume, sources)) {
        const path = join(own, file.path);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, file.data);
        await chmod(path, file.mode);
      }
      return [name, own];
    }),
  );
  return new Map(made);
}

/** The files that a Secret or ConfigMap volume holds; none for an empty directory. Pure. @throws VolumeError */
export function filesOf(volume: Volume, sources: Sources): { path: string; data: Buffer; mode: number }[] {
  const { name, secret, configMap } = volume;
  const source = secret ?? configMap;
  if (!source) return [];
  const kind = secret ? 'Secret' : 'ConfigMap';
  const sourceName = secret ? secret.secretName : (configMap?.name ?? '');
  const data = readOr(name, () => sources.read(kind, sourceName, source.optional));
  if (!data) return [];
  const items = source.items ?? [...data.keys()].map((key) => ({ key, path: key, mode: undefined }));
  return items.flatMap(({ key, path, mode }) => {
    const content = data.get(key);
    if (content) return [{ path, data: content, mode: mode ?? source.defaultMode }];
    if (source.optional) return [];
    throw new VolumeError(name, `references non-existent ${kind.toLowerCase()} key: ${key}`);
  });
}

function readOr<T>(volume: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceError) throw new VolumeError(volume, error.message);
    throw error;
  }
}

async function claimedDirectory(
  api: Api,
  namespace: string,
  claimName: string,
  volume: string,
  signal: AbortSignal,
): Promise<string> {
  const claim = await found(
    api.call('GET', `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claimName}`, { signal }),
  );
  if (claim === undefined) throw new VolumeError(volume, `persistentvolumeclaim "${claimName}" not found`);
  const { volumeName } = Claim.parse(claim).spec;
  if (volumeName === '') {
    throw new VolumeError(volume, `persistentvolumeclaim "${claimName}" names no volume: set its spec.volumeName`);
  }
  const persistent = await found(api.call('GET', `/api/v1/persistentvolumes/${volumeName}`, { signal }));
  if (persistent === undefined) throw new VolumeError(volume, `persistentvolume "${volumeName}" not found`);
  const { hostPath } = PersistentVolume.parse(persistent).spec;
  if (!hostPath)
    throw new VolumeError(volume, `persistentvolume "${volumeName}" is not a hostPath, the only kind here`);
  await mkdir(hostPath.path, { recursive: true });
  return hostPath.path;
}

async function found(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
