import { type StoredVideoJob, splitKey, VIDEOJOBS } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import type { PassResult } from '../kube/workers.ts';
import { closeOrder } from '../ledger/settlement.ts';
import { observeOrder } from '../order/observation.ts';
import { VideoJobParseError } from '../videojob/parse.ts';
import type { MissingObjects } from './missing.ts';
import { type ReconcileTools, reconcile } from './reconcile.ts';

export interface PassTools extends ReconcileTools {
  store: Store<StoredVideoJob>;
  missing: MissingObjects;
  onStale(): void;
}

const staleRetryMs = 200;
const prefix = 'vj-';

/** One pass over one key of the queue: finds the object, newest copy only, and reconciles it. */
export async function pass(key: string, tools: PassTools): Promise<PassResult | undefined> {
  const stored = await findObject(key, tools);
  const { name } = splitKey(key);
  const orderId = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (stored === undefined) return { requeueAfterMs: await tools.missing.seenMissing(orderId) };
  tools.missing.seen(orderId);
  if (tools.store.isStale(stored)) {
    // Older than what we wrote ourselves: nothing may be decided from it, and the watch will bring the newer one.
    tools.onStale();
    return { requeueAfterMs: staleRetryMs };
  }
  try {
    return { requeueAfterMs: await reconcile(stored, tools) };
  } catch (error) {
    if (!(error instanceof VideoJobParseError)) throw error;
    return closeUnreadable(orderId, stored, tools, error);
  }
}

async function findObject(key: string, { store, kube }: PassTools): Promise<StoredVideoJob | undefined> {
  return store.get(key) ?? kube.find(VIDEOJOBS, splitKey(key));
}

/** Readable when it was claimed and not any more: the order ends, and nothing is guessed from what cannot be read. */
async function closeUnreadable(
  orderId: string,
  stored: StoredVideoJob,
  { database, log }: PassTools,
  error: VideoJobParseError,
): Promise<PassResult | undefined> {
  const observation = await observeOrder(database, orderId);
  if (observation?.claimedBy !== stored.metadata.uid || observation.settled !== null) {
    log.warn(
      { err: error, order: orderId },
      'a VideoJob that cannot be read, and is not the claimant of an open order, is left alone',
    );
    return undefined;
  }
  const closed = await closeOrder(database, orderId, stored.metadata.uid, 'InvalidSpec');
  log.error({ err: error, order: orderId, ...closed }, 'a claimed VideoJob cannot be read; its order was closed');
  return undefined;
}
