import { writeNotice } from './notices.ts';
import type { HoldRow } from './rows.ts';
import type { Tables } from './tables.ts';

/** `write_outcome`: what a person hears of an order's end; of a group the first video, each failure, and one summary. */
export function writeOutcome(db: Tables, hold: HoldRow, failure: string | null): void {
  const { orderId, reason, amount } = hold;
  const { groupId } = db.order(orderId);
  const group = db.groups.find((row) => row.groupId === groupId);
  const orders = [...db.orders.values()].filter((row) => row.groupId === groupId);
  const othersOpen = orders.some((row) => db.holds.get(row.orderId)?.state === 'held');
  const isTold = (kind: string): boolean =>
    db.notices.some((row) => row.kind === kind && orders.some((order) => order.orderId === row.orderId));
  if (hold.state === 'released') {
    writeNotice(db, orderId, 'failed', { reason, failureClass: failure, returned: amount });
  } else if (reason === 'DeliveryUnconfirmed') writeNotice(db, orderId, 'unconfirmed', { credits: amount });
  else if (reason === 'VideoDelivered' && (group?.count === 1 || (othersOpen && !isTold('delivered')))) {
    writeNotice(db, orderId, 'delivered', { credits: amount, othersOpen });
  }
  if ((group?.count ?? 1) > 1 && !othersOpen) writeSummary(db, groupId);
}

/** `write_summary`: the end of a whole group. */
function writeSummary(db: Tables, groupId: number): void {
  const orders = [...db.orders.values()].filter((row) => row.groupId === groupId);
  const holds = orders.flatMap(({ orderId }) => db.holds.get(orderId) ?? []);
  const sum = (state: string): number =>
    holds.filter((hold) => hold.state === state).reduce((total, { amount }) => total + amount, 0);
  const first = orders.find(({ position }) => position === 1);
  if (first === undefined) return;
  const failures = db.notices
    .filter((row) => row.kind === 'failed' && orders.some(({ orderId }) => orderId === row.orderId))
    .map(({ fact }) => ({ reason: fact['reason'], failureClass: fact['failureClass'] }));
  writeNotice(db, first.orderId, 'summary', {
    shown: holds.filter(({ state, reason }) => state === 'captured' && reason === 'VideoDelivered').length,
    kept: holds.filter(({ state, reason }) => state === 'captured' && reason !== 'VideoDelivered').length,
    ...{ charged: sum('captured'), returned: sum('released') },
    // In the order of their words, as `jsonb_agg(distinct ...)` has them; what is missing comes first.
    failures: [...new Map(failures.map((one) => [JSON.stringify([one.reason, one.failureClass ?? '']), one])).entries()]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, failure]) => failure),
  });
}
