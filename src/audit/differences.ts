import { isFinished } from '../videojob/conditions.ts';
import type { VideoJobStatus } from '../videojob/schema.ts';
import type { AuditedBooks, AuditedOrder } from './books.ts';

/** How books and VideoJobs can differ. */
export const DIFFERENCES = [
  /** An open order whose claimant is not there. */
  'order-without-object',
  /** An open order that nobody claimed for two minutes. */
  'order-unposted',
  /** An object that names no order of ours. */
  'object-without-order',
  /** An object that the bot signed, and PostgreSQL does not know its order. */
  'order-forgotten',
  /** The status tells of a settlement that PostgreSQL does not know. */
  'settlement-forgotten',
  /** The status tells of a paid task that PostgreSQL does not know. */
  'task-forgotten',
  /** Settled for two minutes, and the object does not say so. */
  'settlement-unseen',
] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  readonly orderId: string;
  /** UID of the object, or of the claimant that is not there. */
  readonly uid: string | null;
  readonly explanation: string;
}

/** A VideoJob as the auditor sees it. */
export interface AuditedObject {
  readonly orderId: string;
  readonly uid: string;
  /** Recomputed; null when the spec cannot be read. */
  readonly specHash: string | null;
  /** Whether the bot signed this very order and content. */
  readonly signed: boolean;
  readonly status: VideoJobStatus;
}

const patienceSeconds = 120;

/** Status is written after PostgreSQL has committed, never before: these can only be found when PostgreSQL forgot. */
const proofs: ReadonlySet<DifferenceKind> = new Set(['order-forgotten', 'settlement-forgotten', 'task-forgotten']);

export const provesLoss = ({ kind }: Difference): boolean => proofs.has(kind);

/** The same difference in two audits. */
export const differenceKey = ({ kind, orderId, uid }: Difference): string => `${kind} ${orderId} ${uid ?? ''}`;

/**
 * Every difference between the objects and the books. Pure. The objects must have been read before the books, so that what a status
 * tells was written long ago.
 */
export function compareSides(
  objects: readonly AuditedObject[],
  books: Pick<AuditedBooks, 'orders' | 'lost'>,
): Difference[] {
  const byOrder = new Map(objects.map((object) => [object.orderId, object]));
  const orders = new Map(books.orders.map((order) => [order.orderId, order]));
  const lost = new Set(books.lost);
  return [
    ...books.orders.flatMap((order) => missing(order, byOrder.get(order.orderId))),
    ...objects.flatMap((object) => {
      const order = orders.get(object.orderId);
      if (order !== undefined) return status(object, order);
      return lost.has(object.orderId) ? [] : unknown(object);
    }),
  ];
}

function missing(order: AuditedOrder, object: AuditedObject | undefined): Difference[] {
  const { orderId, claimedBy: uid } = order;
  if (order.state !== 'held') return [];
  if (uid === null) {
    if (object !== undefined || order.placedSeconds < patienceSeconds) return [];
    return [{ kind: 'order-unposted', orderId, uid, explanation: 'held, and no VideoJob has claimed it' }];
  }
  if (object?.uid === uid) return [];
  const explanation =
    object === undefined ? 'held, and its VideoJob is gone' : `held, and another VideoJob (${object.uid}) has its name`;
  return [{ kind: 'order-without-object', orderId, uid, explanation }];
}

function unknown({ orderId, uid, signed }: AuditedObject): Difference[] {
  return signed
    ? [{ kind: 'order-forgotten', orderId, uid, explanation: 'signed by the bot, and PostgreSQL has no such order' }]
    : [{ kind: 'object-without-order', orderId, uid, explanation: 'not signed by the bot, and no order of this name' }];
}

function status(object: AuditedObject, order: AuditedOrder): Difference[] {
  const { orderId, uid } = object;
  // What a refused object's status says is about itself.
  if (uid !== order.claimedBy && (order.claimedBy !== null || object.specHash !== order.specHash)) return [];
  const found: Difference[] = [];
  const { settlement, attempts = 0, providerTaskID: task, conditions } = object.status;
  if (settlement !== undefined && settlement.outcome !== order.state) {
    const explanation = `the status says ${settlement.outcome}, the books say ${order.state}`;
    found.push({ kind: 'settlement-forgotten', orderId, uid, explanation });
  }
  if (attempts > order.attempts || (task !== undefined && !order.tasks.includes(task))) {
    const explanation = `the status tells of ${attempts} attempts${task === undefined ? '' : ` and the task ${task}`}, the books of ${order.attempts}`;
    found.push({ kind: 'task-forgotten', orderId, uid, explanation });
  }
  if (order.state !== 'held' && (order.settledSeconds ?? 0) > patienceSeconds && !isFinished(conditions)) {
    found.push({
      kind: 'settlement-unseen',
      orderId,
      uid,
      explanation: `${order.state}, and the status does not say so`,
    });
  }
  return found;
}
