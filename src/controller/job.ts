import type { Job } from '../kube/resources.ts';
import type { Stage } from '../ledger/executions.ts';
import { EXECUTION_LABEL, STAGE_LABEL } from '../videojob/names.ts';
import { templateAnnotation } from './child-job.ts';
import type { ObservedJob } from './observed.ts';

/**
 * What decisions need of a Job; null for one that is not a child by its labels. `FailureTarget` and `SuccessCriteriaMet` count as
 * ended: Kubernetes adds the final condition a second later, and the verdict stands in the row anyway.
 */
export function observeJob(
  job: Job,
  ownerUid: string,
  expected?: { stage: Stage; execution: number },
): ObservedJob | null {
  const place = expected ?? placeOf(job);
  if (place === null) return null;
  const { metadata, status } = job;
  const terminating = (status.terminating ?? 0) > 0 && (status.active ?? 0) === 0;
  return {
    name: metadata.name,
    uid: metadata.uid,
    ...place,
    ours: (metadata.ownerReferences ?? []).some((owner) => owner.uid === ownerUid),
    deleting: metadata.deletionTimestamp !== undefined,
    ended: endOf(job),
    template: metadata.annotations?.[templateAnnotation] ?? null,
    finishedAt: status.completionTime === undefined ? null : new Date(status.completionTime),
    terminatingSince:
      terminating && status.startTime !== undefined ? new Date(metadata.deletionTimestamp ?? status.startTime) : null,
  };
}

function endOf({ status }: Job): ObservedJob['ended'] {
  const isTrue = (type: string): boolean =>
    (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (isTrue('Complete') || isTrue('SuccessCriteriaMet')) return 'succeeded';
  if (isTrue('Failed') || isTrue('FailureTarget')) return 'failed';
  return null;
}

function placeOf({ metadata: { labels } }: Job): { stage: Stage; execution: number } | null {
  const stage = labels?.[STAGE_LABEL];
  const execution = Number(labels?.[EXECUTION_LABEL]);
  if ((stage !== 'generate' && stage !== 'deliver') || !Number.isInteger(execution)) return null;
  return { stage: stage === 'generate' ? 'generation' : 'delivery', execution };
}
