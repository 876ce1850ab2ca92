import { keyOf, type StoredVideoJob } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import { compareResourceVersions } from '../kube/version.ts';

/**
 * The keys of VideoJobs that the API server has newer than the cache, or that the cache does not have: nothing else tells of an event
 * that got lost before the next list, ten minutes later. The cached copies are marked, so that a pass reads them anew unless the watch was
 * only a moment late.
 */
export function lostEvents(live: readonly StoredVideoJob[], store: Store<StoredVideoJob>): string[] {
  return live.flatMap((object) => {
    const key = keyOf(object);
    const cached = store.get(key);
    if (cached === undefined) return [key];
    if (!isOlder(cached, object)) return [];
    store.outdated(cached);
    return [key];
  });
}

function isOlder({ metadata: cached }: StoredVideoJob, { metadata: live }: StoredVideoJob): boolean {
  if (cached.uid !== live.uid) return true;
  const order = compareResourceVersions(cached.resourceVersion, live.resourceVersion);
  return order !== undefined && order < 0;
}
