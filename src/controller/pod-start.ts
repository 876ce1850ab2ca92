import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/resources.ts';
import type { Stage } from '../ledger/executions.ts';
import { EXECUTION_LABEL, ORDER_LABEL, STAGE_LABEL } from '../videojob/names.ts';
import type { VideoJob } from '../videojob/schema.ts';
import { commandOf } from './child-job.ts';
import type { PodStartCause } from './observed.ts';

/** Looks at the pods of one execution that has not begun: pods are not watched, because this is the only question about them. */
export async function lookAtPods(
  videoJob: VideoJob,
  stage: Stage,
  execution: number,
  kube: KubeClient,
): Promise<PodStartCause | null> {
  const { items } = await kube.list(PODS, {
    namespace: videoJob.metadata.namespace,
    labelSelector: [
      `${ORDER_LABEL}=${videoJob.spec.order.id}`,
      `${STAGE_LABEL}=${commandOf[stage]}`,
      `${EXECUTION_LABEL}=${execution}`,
    ].join(','),
    limit: 10,
  });
  // A Job without a pod is refused by a quota or by admission; the Job controller says so only in events.
  if (items.length === 0) return 'Quota';
  return items.map(causeOf).find((cause) => cause !== null) ?? null;
}

/** Why a pod that is still pending does not start; null for one that runs or has ended. Pure. */
export function causeOf(pod: Pod): PodStartCause | null {
  if (pod.status.phase !== undefined && pod.status.phase !== 'Pending') return null;
  const scheduled = (pod.status.conditions ?? []).find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return 'Unschedulable';
  const waiting = (pod.status.containerStatuses ?? []).flatMap(({ state }) => state?.waiting?.reason ?? []);
  if (waiting.some((reason) => /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)$/.test(reason))) {
    return 'ImagePull';
  }
  if (waiting.some((reason) => /^(CreateContainerConfigError|CreateContainerError|RunContainerError)$/.test(reason))) {
    return 'Config';
  }
  return 'Unknown';
}
