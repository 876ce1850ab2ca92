import type { Job } from '../kube/resources.ts';
import type { Stage } from '../ledger/executions.ts';
import { childJobName, EXECUTION_LABEL, ORDER_LABEL, STAGE_LABEL, videoJobName } from '../videojob/names.ts';
import { commandOf, templateAnnotation } from './child-job.ts';
import type { ObservedJob } from './observed.ts';

/**
 * What decisions need of a Job; null for one that is not a child by its labels and name. `FailureTarget` and `SuccessCriteriaMet` count as
 * ended: Kubernetes adds the final condition a second later, and the verdict stands in the row anyway.
 */
export function observeJob(
  job: Job,
  ownerUid: string,
  terminatingSince: Date | null,
  expected?: { stage: Stage; execution: number },
): ObservedJob | null {
  const place = expected ?? placeOf(job);
  if (place === null) return null;
  const { metadata, status } = job;
  return {
    name: metadata.name,
    uid: metadata.uid,
    ...place,
    ours: (metadata.ownerReferences ?? []).some((owner) => owner.uid === ownerUid),
    deleting: metadata.deletionTimestamp !== undefined,
    ended: endOf(job),
    template: metadata.annotations?.[templateAnnotation] ?? null,
    finishedAt: status.completionTime === undefined ? null : new Date(status.completionTime),
    terminatingSince,
  };
}

function endOf({ status }: Job): ObservedJob['ended'] {
  const isTrue = (type: string): boolean =>
    (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (isTrue('Complete') || isTrue('SuccessCriteriaMet')) return 'succeeded';
  if (isTrue('Failed') || isTrue('FailureTarget')) return 'failed';
  return null;
}

function placeOf({ metadata: { labels, name } }: Job): { stage: Stage; execution: number } | null {
  const command = labels?.[STAGE_LABEL];
  const execution = Number(labels?.[EXECUTION_LABEL]);
  if ((command !== 'generate' && command !== 'deliver') || !Number.isInteger(execution)) return null;
  const stage = command === 'generate' ? 'generation' : 'delivery';
  // Anybody may put our labels on a Job; the API server gives a name only once.
  const ours = childJobName(videoJobName(labels?.[ORDER_LABEL] ?? ''), commandOf[stage], execution);
  return name === ours ? { stage, execution } : null;
}
