import { expect, test } from 'vitest';
import { findImage, localCommand } from './image.ts';

const image = { checkout: '/c', runnerBundle: import.meta.filename };
const images = new Map([['neurocards', image]]);

test.each(['neurocards', 'neurocards:dev', 'localhost:5000/neurocards', 'ghcr.io/a/neurocards:1.2@sha256:ab'])(
  '%s is our image',
  (reference) => {
    expect(findImage(reference, images, 'Always')).toEqual({ found: image });
  },
);

test.each([
  ['neurocards-bot:1', 'Always', 'ErrImagePull'],
  ['neurocards/other', 'IfNotPresent', 'ErrImagePull'],
  ['busybox', 'Never', 'ErrImageNeverPull'],
  ['', 'Always', 'InvalidImageName'],
])('%s (%s) waits as %s', (reference, policy, reason) => {
  expect(findImage(reference, images, policy)).toMatchObject({ reason });
});

test('an image without its bundle says how to make it', () => {
  const empty = new Map([['neurocards', { checkout: '/c', runnerBundle: '/nowhere/runner.mjs' }]]);
  expect(findImage('neurocards', empty, 'Always')).toMatchObject({
    missing: 'image "neurocards" has no /nowhere/runner.mjs: make it with npm run build',
  });
});

test('neurocards-runner is the bundle run by this Node; a program the image lacks is none', () => {
  expect(localCommand(['neurocards-runner', 'deliver'], image)).toEqual([
    process.execPath,
    image.runnerBundle,
    'deliver',
  ]);
  expect(localCommand(['node', '-e', '1'], image)).toEqual([process.execPath, '-e', '1']);
  expect(localCommand(['bash'], image)).toBeUndefined();
  expect(localCommand([], image)).toBeUndefined();
});
