import { closeOrder } from '../ledger/settlement.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import { type OrderToRelay, takeOrdersToRelay } from './relay-queue.ts';

/** What the API server said to a POST of an order's exact bytes. */
export type Posted =
  | { kind: 'created' }
  /** The name is taken; the hash was recomputed from the object that has it, null when it cannot be read. */
  | { kind: 'exists'; specHash: string | null }
  /** 422: the server will never take these bytes. */
  | { kind: 'invalid'; message: string }
  /** 400, 403 and the like: our fault or an operator's, so it is repeated. */
  | { kind: 'refused'; error: unknown }
  /** No answer, or "not now". */
  | { kind: 'unavailable'; error: unknown };

/** What came of one order's turn; the words of the metric. */
export type RelayResult = 'created' | 'exists' | 'invalid' | 'conflict' | 'failed' | 'overdue';

export interface Relay {
  database: Database;
  post: (order: { orderId: string; videoJob: string }) => Promise<Posted>;
  log: Logger;
  onResult: (result: RelayResult) => void;
}

const batch = 10;

/**
 * Posts the orders that are due; true when there may be more. PostgreSQL makes each due again until it is claimed or closed, so
 * dying before or after a POST only means another one, of the same bytes under the same name.
 */
export async function relayOrders(relay: Relay): Promise<boolean> {
  const orders = await takeOrdersToRelay(relay.database, batch);
  await Promise.all(
    orders.map(async (order) => {
      relay.onResult(await relayOne(order, relay));
    }),
  );
  return orders.length === batch;
}

async function relayOne(order: OrderToRelay, { database, post, log }: Relay): Promise<RelayResult> {
  const { orderId, specHash, overdue, tries } = order;
  if (overdue) {
    const { settled } = await closeOrder(database, orderId, null, 'Clock');
    log.warn({ order: orderId, settled: settled?.reason }, 'an order was claimed by nobody in time');
    return 'overdue';
  }
  const posted = await post(order);
  switch (posted.kind) {
    case 'created':
      log.info({ order: orderId }, 'VideoJob created');
      return 'created';
    case 'exists':
      if (posted.specHash === specHash) return 'exists';
      // Never overwritten: the controller refuses its claim and deletes it, and then ours can be posted.
      log.error({ order: orderId }, 'the name of an open order is taken by another VideoJob');
      return 'conflict';
    case 'invalid': {
      const { settled } = await closeOrder(database, orderId, null, 'InvalidSpec');
      log.error(
        { order: orderId, why: posted.message, settled: settled?.reason },
        'the API server will not take this VideoJob',
      );
      return 'invalid';
    }
    case 'refused':
      log.error({ order: orderId, tries, err: posted.error }, 'the API server refused a VideoJob; it is posted again');
      return 'failed';
    case 'unavailable':
      log.warn(
        { order: orderId, tries, err: posted.error },
        'the API server was not reached; the VideoJob is posted again',
      );
      return 'failed';
  }
}
