import type { AuditedOrder } from './books.ts';
import type { AuditedObject } from './differences.ts';

/** An order under way and its object, which agree. */
export const order: AuditedOrder = {
  orderId: 'abcdefghijkl',
  userId: 1,
  state: 'held',
  reason: null,
  settledSeconds: null,
  placedSeconds: 10,
  claimedBy: 'u1',
  specHash: 'v1:a',
  admitted: true,
  attempts: 1,
  newest: 'accepted',
  executions: 1,
  tasks: ['t1'],
};
export const object: AuditedObject = { orderId: 'abcdefghijkl', uid: 'u1', specHash: 'v1:a', signed: true, status: {} };
