import type { Logger } from '../log/logger.ts';
import { isUnavailable } from '../postgres/unavailable.ts';
import { type Update, updateSchema, updatesAtOnce } from '../telegram/update.ts';
import type { Failed } from './intake.ts';

/** What one getUpdates brought. */
export interface Batch {
  read: Update[];
  /** How many came, readable or not. */
  raw: number;
  /** The offset that confirms all of them. */
  next: number | undefined;
}

/** An update of a shape we do not know is passed over, or it would come again for ever. */
export function readBatch(raw: readonly unknown[], log: Logger): Batch {
  const read: Update[] = [];
  let next: number | undefined;
  for (const one of raw) {
    const id = typeof one === 'object' && one !== null && 'update_id' in one ? Number(one.update_id) : Number.NaN;
    if (Number.isInteger(id)) next = Math.max(next ?? 0, id + 1);
    const parsed = updateSchema.safeParse(one);
    if (parsed.success) read.push(parsed.data);
    else log.error({ update: id }, 'an update has a shape that this release does not know; it is passed over');
  }
  return { read, raw: raw.length, next };
}

/** From where on Telegram shall send: after all that was stored, so from the first update that was not. */
export function offsetAfter({ raw, next }: Batch, failed: readonly Failed[], log: Logger): number | undefined {
  if (failed.length === 0) return next;
  const ids = failed.map(({ updateId }) => updateId);
  const isDefect = failed.every(({ isPayment, cause }) => isPayment && !isUnavailable(cause));
  if (!isDefect || raw < updatesAtOnce) return Math.min(...ids);
  // Waiting for these, nobody else's update would be seen any more. Telegram's list of transactions has them too, and is followed.
  log.error({ updates: ids }, 'payments that cannot be booked are left to reconciliation');
  return next;
}
