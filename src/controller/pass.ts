import { isNotFound } from '../kube/error.ts';
import { type StoredVideoJob, splitKey, VIDEOJOBS } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import type { PassResult } from '../kube/workers.ts';
import { closeOrder } from '../ledger/settlement.ts';
import { observeOrder } from '../order/observation.ts';
import { findCondition } from '../videojob/conditions.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import { parseVideoJob, VideoJobParseError } from '../videojob/parse.ts';
import type { MissingObjects } from './missing.ts';
import { type ReconcileTools, reconcile } from './reconcile.ts';

export interface PassTools extends ReconcileTools {
  store: Store<StoredVideoJob>;
  missing: MissingObjects;
  onStale(): void;
}

const staleRetryMs = 200;
/** So long a watch may be behind what is known to be newer; after that its event is taken for lost, and the API server is asked. */
const watchDelayMs = 2_000;
const prefix = 'vj-';

/** One pass over one key of the queue: finds the object, newest copy only, and reconciles it. */
export async function pass(key: string, tools: PassTools): Promise<PassResult | undefined> {
  const stored = await findObject(key, tools);
  const { name } = splitKey(key);
  const orderId = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (stored === 'stale') return { requeueAfterMs: staleRetryMs };
  if (stored === undefined) return { requeueAfterMs: await tools.missing.seenMissing(orderId) };
  try {
    const requeueAfterMs = await reconcile(stored, tools);
    return { requeueAfterMs: await lookForClaimant(orderId, stored, requeueAfterMs, tools) };
  } catch (error) {
    if (!(error instanceof VideoJobParseError)) throw error;
    tools.missing.seen(orderId);
    return closeUnreadable(orderId, stored, tools, error);
  }
}

/** The newest copy there is; `stale` where a newer one than the cached is known, and the watch may still bring it. */
async function findObject(
  key: string,
  { store, kube, onStale }: PassTools,
): Promise<StoredVideoJob | 'stale' | undefined> {
  const cached = store.get(key);
  if (cached === undefined) return kube.find(VIDEOJOBS, splitKey(key));
  const staleForMs = store.staleForMs(cached);
  if (staleForMs === undefined) return cached;
  onStale();
  return staleForMs < watchDelayMs ? 'stale' : kube.find(VIDEOJOBS, splitKey(key));
}

/** An object whose claim was refused stands where the claimant of an open order should: that one is gone. */
async function lookForClaimant(
  orderId: string,
  stored: StoredVideoJob,
  requeueAfterMs: number | undefined,
  { missing, kube }: PassTools,
): Promise<number | undefined> {
  const { namespace = '', name, uid } = stored.metadata;
  const isRefused = findCondition(parseVideoJob(stored).status.conditions, 'Finished')?.reason === 'ClaimRefused';
  if (!isRefused) {
    missing.seen(orderId);
    return requeueAfterMs;
  }
  const againMs = await missing.seenMissing(orderId, async () => {
    const live = await kube.find(VIDEOJOBS, { namespace, name });
    return live === undefined || live.metadata.uid === uid;
  });
  if (againMs === undefined) return requeueAfterMs;
  return Math.min(againMs, requeueAfterMs ?? againMs);
}

/** Readable when it was claimed and not any more: the order ends, and nothing is guessed from what cannot be read. */
async function closeUnreadable(
  orderId: string,
  stored: StoredVideoJob,
  tools: PassTools,
  error: VideoJobParseError,
): Promise<PassResult | undefined> {
  const { database, log } = tools;
  const { uid, deletionTimestamp } = stored.metadata;
  const observation = await observeOrder(database, orderId);
  const isDeleted = deletionTimestamp !== undefined;
  if (observation?.claimedBy !== uid || observation.settled !== null) {
    log.warn(
      { err: error, order: orderId },
      'a VideoJob that cannot be read, and is not the claimant of an open order, is left alone',
    );
    if (isDeleted) await letGo(stored, tools);
    return undefined;
  }
  const closed = await closeOrder(database, orderId, uid, isDeleted ? 'Deleted' : 'InvalidSpec');
  log.error({ err: error, order: orderId, ...closed }, 'a claimed VideoJob cannot be read; its order was closed');
  if (isDeleted && closed.settled !== null) await letGo(stored, tools);
  return undefined;
}

/** Nothing is held for this object: its deletion need not wait for us. */
async function letGo({ metadata }: StoredVideoJob, { kube }: PassTools): Promise<void> {
  const { namespace = '', name, uid, resourceVersion, finalizers = [] } = metadata;
  const left = finalizers.filter((one) => one !== SETTLEMENT_FINALIZER);
  if (left.length === finalizers.length) return;
  try {
    await kube.patch(VIDEOJOBS, { namespace, name }, { metadata: { uid, resourceVersion, finalizers: left } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
