import type { Job } from '../kube/resources.ts';

export interface TerminatingJobs {
  /** Since when this Job has no active pod while one still terminates, as first seen here; null when that is not so. */
  since(job: Job, now: Date): Date | null;
}

const remembered = 10_000;

/**
 * The API tells that a pod terminates, not since when: the moment it was first seen is remembered. A restart of the controller
 * begins anew, which only makes a lost node be noticed later.
 */
export function watchTerminatingJobs(): TerminatingJobs {
  const firstSeen = new Map<string, Date>();
  return {
    since({ metadata: { uid }, status }, now) {
      const known = firstSeen.get(uid);
      firstSeen.delete(uid);
      if ((status.terminating ?? 0) === 0 || (status.active ?? 0) > 0) return null;
      const first = known ?? now;
      // The newest last, so that what nobody asks about any more is forgotten first.
      firstSeen.set(uid, first);
      const oldest = firstSeen.keys().next();
      if (firstSeen.size > remembered && !oldest.done) firstSeen.delete(oldest.value);
      return first;
    },
  };
}
