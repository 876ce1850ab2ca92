import { findCondition } from '../videojob/conditions.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import type { VideoJobStatus } from '../videojob/schema.ts';
import { type ClusterEffect, type Decision, nothing } from './decision.ts';
import { earliest, later } from './instants.ts';
import type { Observed } from './observed.ts';
import { overdueJobs } from './overdue-jobs.ts';

/** Children of delivered orders stay this long, for whoever wants to read their logs. */
const deliveredChildrenMs = 10 * 60_000;

/** After Finished only the finalizer, the children, the TTL and observedGeneration are left; the ledger is not asked again. */
export function decideFinished({ videoJob, jobs }: Observed, now: Date): Decision {
  const { metadata, spec, status } = videoJob;
  if (metadata.finalizers.includes(SETTLEMENT_FINALIZER)) return { ...nothing, cluster: [{ kind: 'drop-finalizer' }] };
  if (metadata.deletionTimestamp !== undefined) return nothing;
  const completed = new Date(status.completionTime ?? metadata.creationTimestamp);
  const expires = later(completed, spec.ttlSecondsAfterFinished * 1000);
  if (expires.getTime() <= now.getTime()) return { ...nothing, cluster: [{ kind: 'delete-video-job' }] };

  const shown = findCondition(status.conditions, 'Delivered')?.status === 'True';
  const childrenGo = shown ? later(completed, deliveredChildrenMs) : null;
  const childrenDue = childrenGo !== null && childrenGo.getTime() <= now.getTime();
  const late = overdueJobs(jobs, completed, now);
  const ended = jobs.filter((job) => job.ours && !job.deleting && job.ended !== null);
  const outlived: ClusterEffect[] = ended.map(({ name, uid }) => ({ kind: 'delete-job', name, uid }));
  return {
    ...nothing,
    cluster: [...late.cluster, ...(childrenDue ? outlived : [])],
    status: observedNow(videoJob.status, metadata.generation),
    requeueAt: earliest([expires, late.requeueAt, childrenDue || jobs.length === 0 ? null : childrenGo]),
  };
}

/** `kubectl wait` ignores conditions of an older generation: they follow the spec, and nothing else changes. */
function observedNow(status: VideoJobStatus, generation: number): VideoJobStatus {
  return {
    ...status,
    observedGeneration: generation,
    conditions: status.conditions?.map((condition) => ({ ...condition, observedGeneration: generation })),
  };
}
