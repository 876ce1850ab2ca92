import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { KubeClient } from '../src/kube/client.ts';
import { VIDEOJOBS, VIDEOJOBS_CRD_PATH } from '../src/kube/resources.ts';
import { videoJobCrd } from '../src/videojob/crd.ts';
import { DevEnvironmentError } from './errors.ts';

const established = z.looseObject({
  status: z.looseObject({
    // Null in the moment between the definition and its first condition.
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish(),
  }),
});

/**
 * Applies the CRD as the schema gives it and waits until VideoJobs can be listed. Safe to repeat and to race.
 * @throws KubeError when the API server refuses it, DevEnvironmentError when it is not served within 30 s.
 */
export async function installVideoJobCrd(client: KubeClient): Promise<void> {
  await client.transport.call({
    verb: 'PATCH',
    path: VIDEOJOBS_CRD_PATH,
    query: { fieldManager: 'neurocards-dev', force: 'true', fieldValidation: 'Strict' },
    body: JSON.stringify(videoJobCrd()),
    contentType: 'application/apply-patch+yaml',
  });
  const deadline = performance.now() + 30_000;
  while (!(await isServed(client))) {
    if (performance.now() > deadline) {
      throw new DevEnvironmentError(
        'NotReady',
        'The API server took the VideoJob CRD but does not serve VideoJobs after 30 s: read its log.',
      );
    }
    await sleep(50);
  }
}

async function isServed(client: KubeClient): Promise<boolean> {
  const { status } = established.parse(await client.read(VIDEOJOBS_CRD_PATH));
  if (!status.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True')) {
    return false;
  }
  // Established is said a moment before the handler answers.
  return client.list(VIDEOJOBS, { limit: 1 }).then(
    () => true,
    () => false,
  );
}
