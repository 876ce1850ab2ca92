import { expect, test } from 'vitest';
import type { DatabaseFacts } from './database-facts.ts';
import { type ClusterMark, findForgotten, type Sides } from './marks.ts';

const facts: DatabaseFacts = {
  systemIdentifier: '7',
  timeline: 2,
  written: 1000n,
  lastTransfer: 50,
  incarnation: '5/1',
  vouched: true,
  state: 'marking',
  epoch: 3,
  proposed: 9,
  confirmed: 9,
  markedSystemIdentifier: '7',
  cause: null,
  explanation: null,
  enteredAt: null,
};
const mark: ClusterMark = { systemIdentifier: '7', timeline: 2, lastTransfer: 50, epoch: 3, counter: 9 };

function causeOf(change: Partial<{ [K in keyof Sides]: object | undefined }> = {}): string | undefined {
  const { after, before } = {
    after: { ...facts, ...change.after },
    before: { ...facts, ...(change.before ?? change.after) },
  };
  const sides = {
    after,
    before,
    mark: 'mark' in change ? change.mark && { ...mark, ...change.mark } : mark,
    seen: change.seen && { ...facts, ...change.seen },
  };
  return findForgotten(sides)?.cause;
}

test('two sides that remember the same have forgotten nothing', () => {
  expect(causeOf()).toBeUndefined();
  expect(causeOf({ seen: {} })).toBeUndefined();
});

test('a first start finds nothing on either side', () => {
  expect(
    causeOf({ after: { proposed: 0, confirmed: 0, epoch: 1, markedSystemIdentifier: null }, mark: undefined }),
  ).toBeUndefined();
});

test.each([
  ['before the mark was written', { after: { proposed: 10 } }],
  ['before it was confirmed', { after: { proposed: 10 }, mark: { counter: 10 } }],
  ['before the very first mark was written', { after: { proposed: 1, confirmed: 0, epoch: 1 }, mark: undefined }],
])('a controller that died %s has not made anybody forget', (_when, change) => {
  expect(causeOf(change)).toBeUndefined();
});

test.each([
  ['a mark that was never proposed', { mark: { counter: 10 } }],
  ['a newer transfer', { mark: { lastTransfer: 51 } }],
  ['a later timeline', { mark: { timeline: 3 } }],
  ['a later epoch', { mark: { epoch: 4 } }],
  ['a mark, and PostgreSQL none', { after: { proposed: 0, confirmed: 0, epoch: 1, markedSystemIdentifier: null } }],
])('PostgreSQL forgot when the cluster remembers %s', (_what, change) => {
  expect(causeOf(change)).toBe('database-forgot');
});

test.each([
  ['a newer transfer', { seen: { lastTransfer: 51 } }],
  ['a longer log on the same timeline', { seen: { written: 1001n } }],
  ['a later timeline', { seen: { timeline: 3 } }],
  ['a newer mark', { seen: { confirmed: 10 } }],
  ['a later epoch', { seen: { epoch: 4 } }],
])('PostgreSQL forgot when this controller has seen %s', (_what, change) => {
  expect(causeOf(change)).toBe('database-forgot');
});

test('a failover without a loss is none: the timeline is a new one and its log may be shorter', () => {
  expect(causeOf({ after: { timeline: 3 }, seen: { written: 2000n } })).toBeUndefined();
});

test.each([
  ['its mark is gone', { mark: undefined }],
  ['its mark is an older one', { mark: { counter: 8 } }],
  ['its mark is of an older epoch', { mark: { epoch: 2 } }],
])('the cluster forgot when %s', (_what, change) => {
  expect(causeOf(change)).toBe('cluster-forgot');
});

test('another leader that marks while we look has not made the cluster forget, nor PostgreSQL', () => {
  const before = { proposed: 9, confirmed: 9 };
  expect(causeOf({ before, after: { proposed: 10, confirmed: 10 }, mark: { counter: 10 } })).toBeUndefined();
  expect(causeOf({ before, after: { proposed: 10, confirmed: 10 }, mark: { counter: 9 } })).toBeUndefined();
});

test.each([
  ['the mark names another', { mark: { systemIdentifier: '8' } }],
  ['its own row was written by another', { after: { markedSystemIdentifier: '8' } }],
  ['this controller has seen another', { seen: { systemIdentifier: '8' } }],
])('it is another PostgreSQL when %s', (_what, change) => {
  expect(causeOf(change)).toBe('other-database');
});

test('what an operator resolved is not compared with what was before', () => {
  const resolved = { state: 'resolved', epoch: 4, lastTransfer: 10, written: 1n, systemIdentifier: '8' } as const;
  expect(causeOf({ after: resolved, seen: {} })).toBeUndefined();
  // Until its own first mark stands in the cluster. Then a database that still waits for that mark is from before it.
  expect(causeOf({ after: resolved, mark: { epoch: 4, counter: 9 } })).toBeUndefined();
  expect(causeOf({ after: resolved, mark: { epoch: 4, counter: 10 } })).toBe('database-forgot');
  expect(causeOf({ after: resolved, mark: { epoch: 5 } })).toBe('database-forgot');
  const marked = { ...resolved, state: 'marking', markedSystemIdentifier: '8' } as const;
  const next = { epoch: 4, lastTransfer: 10, systemIdentifier: '8' };
  expect(causeOf({ after: marked, mark: next, seen: {} })).toBeUndefined();
});
