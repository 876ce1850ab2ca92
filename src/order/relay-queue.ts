import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { orderId } from '../postgres/row.ts';

const relayed = z.array(
  z.object({
    orderId,
    /** The exact bytes of the VideoJob to post. */
    videoJob: z.string(),
    specHash: z.string(),
    tries: z.number().int(),
    /** Past its queue clock and still unclaimed: to be closed, not posted. */
    overdue: z.boolean(),
  }),
);
export type OrderToRelay = z.infer<typeof relayed>[number];

/**
 * Takes unclaimed open orders that are due for a POST; each is due again 2 s later, growing to 20 s, until it is claimed or closed.
 * Several relays never get the same one at the same time.
 */
export const takeOrdersToRelay = (database: Database, limit: number): Promise<OrderToRelay[]> =>
  callFunction(database, 'ledger.take_orders_to_relay', [limit], relayed);
