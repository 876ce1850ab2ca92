import { expect, test } from 'vitest';
import { createEventStamps } from './event-recorder.ts';
import { createStore, trim } from './store.ts';
import { compareResourceVersions } from './version.ts';
import { lines } from './watch.ts';

const object = (name: string, resourceVersion: string, uid = 'u1', labels: Record<string, string> = {}) => ({
  metadata: { name, namespace: 'jobs', uid, resourceVersion, labels },
});

test('versions are compared as numbers of any length, and anything else cannot be told', () => {
  expect(compareResourceVersions('9', '10')).toBeLessThan(0);
  expect(compareResourceVersions('12345678901234567891', '12345678901234567890')).toBeGreaterThan(0);
  expect(compareResourceVersions('7', '7')).toBe(0);
  expect(compareResourceVersions('x7', '8')).toBeUndefined();
});

test('a copy older than our last write is stale until the watch has caught up', () => {
  const store = createStore();
  store.put(object('a', '10'));
  store.wrote(object('a', '12'));
  store.put(object('a', '11'));
  expect(store.staleForMs(object('a', '11'))).toBeTypeOf('number');
  store.put(object('a', '12'));
  expect(store.staleForMs(object('a', '12'))).toBeUndefined();
  expect(store.staleForMs(object('a', '11')), 'forgotten once seen').toBeUndefined();
});

test('a write whose event came before its answer leaves nothing stale', () => {
  const store = createStore();
  store.put(object('a', '13'));
  store.wrote(object('a', '12'));
  expect(store.staleForMs(object('a', '11'))).toBeUndefined();
});

test('a copy that the API server has a newer one of is stale until that comes', () => {
  const store = createStore();
  store.put(object('a', '10'));
  store.outdated(object('a', '10'));
  expect(store.staleForMs(object('a', '10'))).toBeTypeOf('number');
  store.put(object('a', '10'));
  expect(store.staleForMs(object('a', '10')), 'the same again brings nothing').toBeTypeOf('number');
  store.put(object('a', '11'));
  expect(store.staleForMs(object('a', '11'))).toBeUndefined();
});

test('another object with the same name is never called stale', () => {
  const store = createStore();
  store.wrote(object('a', '12', 'u1'));
  expect(store.staleForMs(object('a', '11', 'u2'))).toBeUndefined();
});

test('the index follows changes and deletions', () => {
  const store = createStore<ReturnType<typeof object>>(({ metadata }) => metadata.labels['owner']);
  store.put(object('a', '1', 'u1', { owner: 'x' }));
  store.put(object('b', '2', 'u2', { owner: 'x' }));
  store.put(object('b', '3', 'u2', { owner: 'y' }));
  expect(store.byIndex('x').map(({ metadata }) => metadata.name)).toEqual(['a']);
  store.remove('jobs/a');
  expect([store.byIndex('x').length, store.byIndex('y').length, store.size]).toEqual([0, 1, 1]);
});

test('stored objects are frozen to the bottom and lose their bookkeeping', () => {
  const full = {
    metadata: {
      ...object('a', '1').metadata,
      managedFields: [{}],
      annotations: { keep: '1', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    },
    spec: { deep: { er: 1 } },
  };
  const kept = trim(full);
  expect(kept.metadata).not.toHaveProperty('managedFields');
  expect(kept.metadata.annotations).toEqual({ keep: '1' });
  expect(Object.isFrozen(kept.spec.deep)).toBe(true);
});

test('lines are cut whole, wherever the chunks are cut, and a half line at the end is dropped', async () => {
  const text = '{"a":"ж"}\n{"b":2}\n\n{"half":';
  for (let size = 1; size < 8; size += 1) {
    const bytes = Buffer.from(text);
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const got: string[] = [];
    for await (const line of lines(chunks())) got.push(line);
    expect(got).toEqual(['{"a":"ж"}', '{"b":2}']);
  }
});

test('event times rise where whole seconds allow and never lie in the future', () => {
  const stamps = createEventStamps();
  expect(stamps('u', 3, 100)).toEqual([98, 99, 100]);
  expect(stamps('u', 2, 100)).toEqual([100, 100]);
  expect(stamps('u', 2, 105)).toEqual([104, 105]);
  expect(stamps('other', 1, 100)).toEqual([100]);
});
