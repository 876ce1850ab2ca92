import { expect, test } from 'vitest';
import type { Volume } from './pod.ts';
import { sourcesOf } from './sources.ts';
import { filesOf } from './volumes.ts';

const sources = sourcesOf(
  new Map([
    [
      'Secret/keys',
      new Map([
        ['a', Buffer.from('A')],
        ['b', Buffer.from('B')],
      ]),
    ],
  ]),
);
const secret = (more: object): Volume => ({
  name: 'v',
  secret: { secretName: 'keys', defaultMode: 0o400, optional: false, ...more },
});

test('a Secret volume holds a file for every key, with the mode it asks for', () => {
  const files = filesOf(secret({}), sources);
  expect(files.map(({ path, mode, data }) => [path, mode, String(data)])).toEqual([
    ['a', 0o400, 'A'],
    ['b', 0o400, 'B'],
  ]);
});

test('items choose keys, paths and modes', () => {
  const items = [{ key: 'b', path: 'deep/file', mode: 0o600 }];
  expect(filesOf(secret({ items }), sources)).toEqual([{ path: 'deep/file', data: Buffer.from('B'), mode: 0o600 }]);
});

test('a missing Secret or key is a failed mount unless it is optional', () => {
  expect(() => filesOf(secret({ secretName: 'gone' }), sources)).toThrow(
    'MountVolume.SetUp failed for volume "v": secret "gone" not found',
  );
  expect(() => filesOf(secret({ items: [{ key: 'c', path: 'c' }] }), sources)).toThrow(
    'references non-existent secret key: c',
  );
  expect(filesOf(secret({ secretName: 'gone', optional: true }), sources)).toEqual([]);
  expect(filesOf({ name: 'v', emptyDir: {} }, sources)).toEqual([]);
});
