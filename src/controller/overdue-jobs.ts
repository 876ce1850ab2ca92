import type { ClusterEffect } from './decision.ts';
import { earliest, later } from './instants.ts';
import type { ObservedJob } from './observed.ts';

/**
 * What a runner gets to end by itself once its order is settled. It reports, exits, and Kubernetes tells of it a second or
 * two later; deleted in between, its log and its exit code would be lost. What it might still write is void.
 */
const windDownMs = 30_000;

/** Deletes the Jobs of a settled order that still run after their time to end; `requeueAt` is when that is. Pure. */
export function overdueJobs(
  jobs: readonly ObservedJob[],
  settledAt: Date,
  now: Date,
): { cluster: ClusterEffect[]; requeueAt: Date | null } {
  const running = jobs.filter((job) => job.ours && job.ended === null && !job.deleting);
  const due = later(settledAt, windDownMs);
  if (due.getTime() > now.getTime()) return { cluster: [], requeueAt: earliest(running.map(() => due)) };
  return { cluster: running.map(({ name, uid }) => ({ kind: 'delete-job', name, uid })), requeueAt: null };
}
