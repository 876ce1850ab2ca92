import { expect, test } from 'vitest';
import { object, order } from './audited.fixtures.ts';
import type { AuditedOrder } from './books.ts';
import type { AuditedObject } from './differences.ts';
import { type Found, planResolution } from './resolution.ts';

function plan(change: {
  cause?: Found['cause'];
  order?: Partial<AuditedOrder> | null;
  object?: Partial<AuditedObject> | null;
  lost?: string[];
  jobs?: number;
}): string[] {
  const { cause = 'database-forgot', lost = [], jobs = 0 } = change;
  return planResolution({
    cause,
    objects: change.object === null ? [] : [{ ...object, ...change.object }],
    books: { orders: change.order === null ? [] : [{ ...order, ...change.order }], lost },
    jobs: new Map([['abcdefghijkl', jobs]]),
  }).map(({ kind }) => kind);
}

test('a signed object without an order is placed again, one of somebody else is left', () => {
  expect(plan({ order: null })).toEqual(['rebuild']);
  expect(plan({ order: null, cause: 'cluster-forgot' })).toEqual(['rebuild']);
  expect(plan({ order: null, object: { signed: false } })).toEqual(['leave']);
  expect(plan({ order: null, lost: ['abcdefghijkl'] })).toEqual([]);
});

test('after PostgreSQL forgot, every open order is held against its object', () => {
  expect(plan({})).toEqual(['catch-up']);
  expect(plan({ cause: 'other-database' })).toEqual(['catch-up']);
  expect(plan({ order: { claimedBy: null } })).toEqual(['catch-up']);
  expect(plan({ order: { claimedBy: null }, object: { specHash: 'v1:b' } })).toEqual(['close']);
});

test('after PostgreSQL forgot, an open order without its object is never posted again', () => {
  expect(plan({ object: null })).toEqual(['close']);
  expect(plan({ object: { uid: 'u2' } })).toEqual(['close']);
  expect(plan({ order: { claimedBy: null }, object: null })).toEqual(['close']);
});

test('after the cluster forgot, an open order without its object is posted again, and its status decides nothing', () => {
  expect(plan({ cause: 'cluster-forgot' })).toEqual([]);
  expect(plan({ cause: 'cluster-forgot', object: null })).toEqual(['reclaim']);
  expect(plan({ cause: 'cluster-forgot', object: { uid: 'u2' } })).toEqual(['reclaim']);
  expect(plan({ cause: 'cluster-forgot', order: { claimedBy: null }, object: null })).toEqual([]);
});

test('after both forgot, PostgreSQL is not believed either', () => {
  const settlement = { outcome: 'captured', at: '2026-01-01T00:00:00Z' } as const;
  expect(plan({ cause: 'cluster-forgot', object: { status: { settlement } } })).toEqual(['catch-up']);
});

test('a settled order is only looked at when its object tells of another end', () => {
  const settlement = { outcome: 'captured', at: '2026-01-01T00:00:00Z' } as const;
  const captured = { state: 'captured', settledSeconds: 5 } as const;
  expect(plan({ order: captured, object: null })).toEqual([]);
  expect(plan({ order: captured, object: { status: { settlement } } })).toEqual([]);
  expect(plan({ order: { ...captured, state: 'released' }, object: { status: { settlement } } })).toEqual(['catch-up']);
});

test('a Job counts as an execution, whether the status tells of it or not', () => {
  const [step] = planResolution({
    cause: 'database-forgot',
    objects: [{ ...object, status: { executions: 1 } }],
    books: { orders: [order], lost: [] },
    jobs: new Map([['abcdefghijkl', 2]]),
  });
  expect(step).toMatchObject({ kind: 'catch-up', shown: { executions: 2 } });
});
