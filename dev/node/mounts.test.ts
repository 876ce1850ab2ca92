import { expect, test } from 'vitest';
import { localEnvironment } from './container.ts';
import { planMounts, translate } from './mounts.ts';
import { Pod } from './pod.ts';

function plan(volumeMounts: object[]) {
  const spec = { containers: [{ name: 'runner', volumeMounts }] };
  const [container] = Pod.parse({ metadata: { name: 'p', namespace: 'jobs', uid: 'u' }, spec, status: {} }).spec
    .containers;
  if (!container) throw new Error('the sample has a container');
  return planMounts(
    container,
    new Map([
      ['data', '/real/data'],
      ['keys', '/real/keys'],
    ]),
    '/real/termination-log',
  );
}

test('every mount, its subPath and the termination message have a real place', () => {
  const mounts = plan([
    { name: 'data', mountPath: '/data/' },
    { name: 'keys', mountPath: '/data/keys', subPath: 'a' },
  ]);
  expect(Object.fromEntries(mounts)).toEqual({
    '/data': '/real/data',
    '/data/keys': '/real/keys/a',
    '/dev/termination-log': '/real/termination-log',
  });
});

test('a mount without its volume, or with a subPath that leaves it, is refused', () => {
  expect(() => plan([{ name: 'other', mountPath: '/x' }])).toThrow('volume "other" of mount /x is unknown');
  expect(() => plan([{ name: 'data', mountPath: '/x', subPath: 'a/../../b' }])).toThrow('must not leave its volume');
});

test('only whole path parts at the beginning are translated, and the deepest mount wins', () => {
  const mounts = plan([
    { name: 'data', mountPath: '/data' },
    { name: 'keys', mountPath: '/data/keys' },
  ]);
  expect(translate('/data', mounts)).toBe('/real/data');
  expect(translate('/data/a b', mounts)).toBe('/real/data/a b');
  expect(translate('/data/keys/k', mounts)).toBe('/real/keys/k');
  expect(translate('/database', mounts)).toBe('/database');
  expect(translate('see /data', mounts)).toBe('see /data');
});

test('the process gets the variables of its Pod, paths made real, and nothing of the node', () => {
  const home = { root: '/pod/root', temporary: '/pod/tmp', terminationMessage: '/pod/termination-log' };
  const mounts = plan([{ name: 'data', mountPath: '/data' }]);
  const environment = localEnvironment(
    new Map([
      ['PHOTOS', '/data/photos'],
      ['TMPDIR', '/data/tmp'],
    ]),
    mounts,
    home,
  );
  expect(environment).toEqual({
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/pod/root',
    TMPDIR: '/real/data/tmp',
    NEUROCARDS_TERMINATION_MESSAGE: '/pod/termination-log',
    PHOTOS: '/real/data/photos',
    NEUROCARDS_MOUNTS: '{"/dev/termination-log":"/real/termination-log","/data":"/real/data"}',
  });
});
