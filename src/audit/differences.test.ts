import { expect, test } from 'vitest';
import { object, order } from './audited.fixtures.ts';
import type { AuditedOrder } from './books.ts';
import { type AuditedObject, compareSides, provesLoss } from './differences.ts';

const at = '2026-01-01T00:00:00Z';
const settlement = { outcome: 'captured', at } as const;

function kinds(change: {
  order?: Partial<AuditedOrder> | null;
  object?: Partial<AuditedObject> | null;
  lost?: string[];
}): string[] {
  const orders = change.order === null ? [] : [{ ...order, ...change.order }];
  const objects = change.object === null ? [] : [{ ...object, ...change.object }];
  return compareSides(objects, { orders, lost: change.lost ?? [] }).map(({ kind }) => kind);
}

test('an order and its object do not differ', () => {
  expect(kinds({})).toEqual([]);
  expect(kinds({ object: { status: { attempts: 1, providerTaskID: 't1' } } })).toEqual([]);
  expect(kinds({ order: { state: 'captured', settledSeconds: 5 }, object: { status: { settlement } } })).toEqual([]);
});

test('an open order misses its claimant when that is gone, or another has its name', () => {
  expect(kinds({ object: null })).toEqual(['order-without-object']);
  expect(kinds({ object: { uid: 'u2' } })).toEqual(['order-without-object']);
  expect(kinds({ order: { state: 'released', settledSeconds: 9 }, object: null })).toEqual([]);
});

test('an order that nobody claimed is worth a word after two minutes', () => {
  expect(kinds({ order: { claimedBy: null }, object: null })).toEqual([]);
  expect(kinds({ order: { claimedBy: null, placedSeconds: 121 }, object: null })).toEqual(['order-unposted']);
});

test('an object without an order is a forgotten one when the bot signed it, unless it is known as lost', () => {
  expect(kinds({ order: null })).toEqual(['order-forgotten']);
  expect(kinds({ order: null, object: { signed: false } })).toEqual(['object-without-order']);
  expect(kinds({ order: null, lost: ['abcdefghijkl'] })).toEqual([]);
});

test('a status that is ahead of the books proves that they are old', () => {
  expect(kinds({ object: { status: { settlement } } })).toEqual(['settlement-forgotten']);
  expect(kinds({ order: { state: 'released', settledSeconds: 5 }, object: { status: { settlement } } })).toEqual([
    'settlement-forgotten',
  ]);
  expect(kinds({ object: { status: { attempts: 2 } } })).toEqual(['task-forgotten']);
  expect(kinds({ object: { status: { attempts: 1, providerTaskID: 't2' } } })).toEqual(['task-forgotten']);
  // Before the claim, by its content.
  expect(kinds({ order: { claimedBy: null }, object: { status: { settlement } } })).toEqual(['settlement-forgotten']);
});

test('the status of an object that is not the claimant proves nothing', () => {
  const status = { settlement, attempts: 5 };
  expect(kinds({ object: { uid: 'u2', status } })).toEqual(['order-without-object']);
  expect(kinds({ order: { claimedBy: null }, object: { specHash: 'v1:b', status } })).toEqual([]);
});

test('a settlement that the object does not show is told after two minutes', () => {
  expect(kinds({ order: { state: 'released', settledSeconds: 30 } })).toEqual([]);
  expect(kinds({ order: { state: 'released', settledSeconds: 130 } })).toEqual(['settlement-unseen']);
});

test('only what PostgreSQL must have known proves a loss', () => {
  const proofs = [
    ...compareSides([object], { orders: [], lost: [] }),
    ...compareSides([{ ...object, status: { settlement, attempts: 2 } }], { orders: [order], lost: [] }),
  ];
  expect(proofs.map(provesLoss)).toEqual([true, true, true]);
  const others = compareSides([], { orders: [order, { ...order, claimedBy: null, placedSeconds: 500 }], lost: [] });
  expect(others.map(provesLoss)).toEqual([false, false]);
});
