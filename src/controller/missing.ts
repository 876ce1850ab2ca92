import { closeOrder } from '../ledger/settlement.ts';
import type { Logger } from '../log/logger.ts';
import { observeOrder } from '../order/observation.ts';
import type { Database } from '../postgres/call.ts';

/** Two looks so far apart find out that an object is really gone. */
const confirmAfter = 60_000;

export interface MissingObjects {
  /**
   * Told that a quorum GET found no VideoJob of this order. An open claimed order whose object is gone (a stripped finalizer, a lost
   * etcd) is closed as deleted after a second look a minute later, if `isGone` still says so. Answers in how many ms to look again.
   */
  seenMissing(orderId: string, isGone?: () => Promise<boolean>): Promise<number | undefined>;
  /** The object is there. */
  seen(orderId: string): void;
}

export function watchMissingObjects(database: Database, log: Logger, confirmAfterMs = confirmAfter): MissingObjects {
  const since = new Map<string, number>();
  return {
    async seenMissing(orderId, isGone = () => Promise.resolve(true)) {
      const observation = await observeOrder(database, orderId);
      // An unclaimed order is the relay's; a settled one needs no object.
      if (observation?.claimedBy == null || observation.settled !== null) {
        since.delete(orderId);
        return undefined;
      }
      const now = Date.now();
      const first = since.get(orderId) ?? now;
      since.set(orderId, first);
      const leftMs = first + confirmAfterMs - now;
      if (leftMs > 0) return leftMs;
      if (!(await isGone())) {
        since.delete(orderId);
        return confirmAfterMs;
      }
      const closed = await closeOrder(database, orderId, observation.claimedBy, 'Deleted');
      log.warn({ order: orderId, ...closed }, 'the VideoJob of an open order is gone; the order was closed as deleted');
      since.delete(orderId);
      return undefined;
    },
    seen: (orderId) => void since.delete(orderId),
  };
}
