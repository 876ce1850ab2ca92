import { findCondition } from '../videojob/conditions.ts';
import type { AuditedBooks, AuditedOrder } from './books.ts';
import type { AuditCause } from './database-facts.ts';
import { type AuditedObject, compareSides, provesLoss } from './differences.ts';
import type { Shown } from './restoring.ts';

/** What ends one difference when audit mode is resolved. */
export type Step =
  /** Place the order again from its object, then as `catch-up`. */
  | { readonly kind: 'rebuild'; readonly orderId: string; readonly shown: Shown }
  /** Bring the order to what its object shows. */
  | { readonly kind: 'catch-up'; readonly orderId: string; readonly shown: Shown }
  /** Post the order's object again, or let the one that is there claim it. */
  | { readonly kind: 'reclaim'; readonly orderId: string }
  /** Give the credits back: nobody can say any more what became of it. */
  | { readonly kind: 'close'; readonly orderId: string }
  /** For a person. */
  | { readonly kind: 'leave'; readonly orderId: string; readonly why: string };

/** Both sides as the resolution sees them. */
export interface Found {
  readonly cause: AuditCause;
  readonly objects: readonly AuditedObject[];
  readonly books: Pick<AuditedBooks, 'orders' | 'lost'>;
  /** The highest number of a generation Job of an order. */
  readonly jobs: ReadonlyMap<string, number>;
}

/**
 * What is to be done so that both sides tell the same again. Pure. Where PostgreSQL is whole it decides everything; where it forgot, an
 * order goes on only if it is certain that nothing was sent for it in the forgotten time, and is never submitted again otherwise.
 */
export function planResolution({ cause, objects, books, jobs }: Found): Step[] {
  const databaseForgot = cause !== 'cluster-forgot' || compareSides(objects, books).some(provesLoss);
  const byOrder = new Map(objects.map((object) => [object.orderId, object]));
  const orders = new Map(books.orders.map((order) => [order.orderId, order]));
  const forgotten = objects
    .filter(({ orderId }) => !orders.has(orderId) && !books.lost.includes(orderId))
    .map((object): Step => {
      const { orderId, signed } = object;
      if (!signed) return { kind: 'leave', orderId, why: 'no order of ours: the controller refuses its VideoJob' };
      return { kind: 'rebuild', orderId, shown: shownBy(object, jobs, true) };
    });
  const known = books.orders.flatMap((order) => {
    const object = byOrder.get(order.orderId);
    return databaseForgot ? afterDatabaseForgot(order, object, jobs) : afterClusterForgot(order, object);
  });
  return [...forgotten, ...known];
}

function afterDatabaseForgot(
  order: AuditedOrder,
  object: AuditedObject | undefined,
  jobs: ReadonlyMap<string, number>,
): Step[] {
  const { orderId, state, claimedBy } = order;
  const isTrue =
    object !== undefined && (claimedBy === object.uid || (claimedBy === null && object.specHash === order.specHash));
  if (isTrue) {
    const shown = shownBy(object, jobs, false);
    return state === 'held' || (shown.outcome !== null && shown.outcome !== state)
      ? [{ kind: 'catch-up', orderId, shown }]
      : [];
  }
  // Its object ended in the forgotten time, or never was: posting it again could pay for it again.
  return state === 'held' ? [{ kind: 'close', orderId }] : [];
}

function afterClusterForgot(order: AuditedOrder, object: AuditedObject | undefined): Step[] {
  const { orderId, state, claimedBy } = order;
  return state === 'held' && claimedBy !== null && claimedBy !== object?.uid ? [{ kind: 'reclaim', orderId }] : [];
}

function shownBy({ orderId, uid, status }: AuditedObject, jobs: ReadonlyMap<string, number>, rebuilt: boolean): Shown {
  return {
    uid,
    attempts: status.attempts ?? 0,
    executions: Math.max(status.executions ?? 0, jobs.get(orderId) ?? 0),
    taskId: status.providerTaskID ?? null,
    outcome: status.settlement?.outcome ?? null,
    reason: findCondition(status.conditions, 'Finished')?.reason ?? null,
    video: status.video ?? null,
    rebuilt,
  };
}
