import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isKubeError, isNotFound } from '../kube/error.ts';
import { VIDEOJOBS } from '../kube/resources.ts';
import type { Logger } from '../log/logger.ts';
import type { Posted } from '../order/relay.ts';
import { videoJobName } from '../videojob/names.ts';
import { videoJobSpecSchema } from '../videojob/schema.ts';
import { computeSpecHash } from '../videojob/spec-hash.ts';

/** What the bot does at the API server. */
export interface VideoJobs {
  post: (order: { orderId: string; videoJob: string }) => Promise<Posted>;
  /** Mirrors a cancelled order; never throws, for the controller learns of it from PostgreSQL anyway. */
  mirrorCancel: (orderId: string) => void;
  /** Lets the finished VideoJob of this name be deleted at once. Throws KubeError; one that is gone is no failure. */
  expire: (name: string) => Promise<void>;
}

export function createVideoJobs(kube: KubeClient, namespace: string, log: Logger): VideoJobs {
  const target = (orderId: string) => ({ namespace, name: videoJobName(orderId) });
  return {
    async post({ orderId, videoJob }) {
      try {
        await kube.create(VIDEOJOBS, namespace, videoJob, { fieldValidation: 'Strict' });
        return { kind: 'created' };
      } catch (error) {
        if (isAlreadyExists(error)) return existing(kube, target(orderId));
        if (isKubeError(error) && error.status === 422) return { kind: 'invalid', message: error.message };
        const refused = isKubeError(error) && error.status >= 400 && error.status < 500 && error.status !== 429;
        return { kind: refused ? 'refused' : 'unavailable', error };
      }
    },
    mirrorCancel(orderId) {
      kube.patch(VIDEOJOBS, target(orderId), { spec: { cancel: true } }).catch((error: unknown) => {
        log.info({ err: error, order: orderId }, 'the VideoJob of a cancelled order was not marked');
      });
    },
    async expire(name) {
      try {
        await kube.patch(VIDEOJOBS, { namespace, name }, { spec: { ttlSecondsAfterFinished: 0 } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}

async function existing(kube: KubeClient, target: { namespace: string; name: string }): Promise<Posted> {
  try {
    const found = await kube.find(VIDEOJOBS, target);
    // Gone again meanwhile: the next turn posts it.
    if (found === undefined) return { kind: 'unavailable', error: new Error('the object vanished between two looks') };
    return { kind: 'exists', specHash: hashOf(found.spec) };
  } catch (error) {
    return { kind: 'unavailable', error };
  }
}

function hashOf(spec: unknown): string | null {
  const parsed = videoJobSpecSchema.safeParse(spec);
  return parsed.success ? computeSpecHash(parsed.data) : null;
}
