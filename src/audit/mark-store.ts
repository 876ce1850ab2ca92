import { z } from 'zod';
import type { KubeClient, Target } from '../kube/client.ts';
import { isAlreadyExists, isConflict } from '../kube/error.ts';
import { CONFIGMAPS, type ConfigMap } from '../kube/resources.ts';
import type { ClusterMark } from './marks.ts';

export const MARK_NAME = 'neurocards-restore-mark';

const number = z.coerce.number().int().nonnegative();
const data = z.object({
  systemIdentifier: z.string().regex(/^\d+$/),
  timeline: number,
  lastTransfer: number,
  epoch: number,
  counter: number,
});

/** The mark as it stands in the cluster. */
export interface StoredMark {
  /** Undefined when there is none, or none that can be read: then the cluster does not know how far PostgreSQL had come. */
  readonly mark: ClusterMark | undefined;
  readonly object: ConfigMap | undefined;
}

/** A quorum read of the ConfigMap. */
export async function readMark(kube: KubeClient, target: Target): Promise<StoredMark> {
  const object = await kube.find(CONFIGMAPS, target);
  return { mark: data.safeParse(object?.data).data, object };
}

/** Writes the next mark over exactly the one that was read; false when another controller was faster. */
export async function writeMark(
  kube: KubeClient,
  target: Target,
  { object }: StoredMark,
  mark: ClusterMark,
): Promise<boolean> {
  const written = Object.fromEntries(Object.entries(mark).map(([key, value]) => [key, String(value)]));
  const { apiVersion, kind } = CONFIGMAPS;
  try {
    if (object === undefined) {
      const metadata = { name: target.name };
      await kube.create(CONFIGMAPS, target.namespace, { apiVersion, kind, metadata, data: written });
    } else {
      await kube.replace(CONFIGMAPS, target, { apiVersion, kind, ...object, data: written });
    }
    return true;
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error)) return false;
    throw error;
  }
}
