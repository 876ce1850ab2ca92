import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** Runs a copy of `.ci/run` where `npm` is a script of ours. */
function ci(npm: string): { status: number | null; lastLine: string | undefined } {
  const place = mkdtempSync(join(tmpdir(), 'neurocards-ci-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  mkdirSync(join(place, '.ci'));
  mkdirSync(join(place, 'node_modules/.bin'), { recursive: true });
  copyFileSync(join(import.meta.dirname, '../../.ci/run'), join(place, '.ci/run'));
  writeFileSync(join(place, 'node_modules/.bin/npm'), `#!/bin/sh\n${npm}\n`);
  chmodSync(join(place, 'node_modules/.bin/npm'), 0o755);
  const run = spawnSync(join(place, '.ci/run'), { encoding: 'utf8' });
  return { status: run.status, lastLine: run.stdout.trim().split('\n').at(-1) };
}

test('a green run closes with the counts of the tests', () => {
  expect(ci('[ "$1" = ci ] || echo "12 passed, 0 failed, 3 skipped"')).toEqual({
    status: 0,
    lastLine: '12 passed, 0 failed, 3 skipped',
  });
});

test('a red exit code counts as a failure although the counts say none', () => {
  expect(ci('[ "$1" = ci ] && exit 0; echo "12 passed, 0 failed, 3 skipped"; exit 7')).toEqual({
    status: 1,
    lastLine: '12 passed, 1 failed, 3 skipped',
  });
});

test('failures are passed on as counted', () => {
  expect(ci('[ "$1" = ci ] && exit 0; echo "12 passed, 2 failed, 0 skipped"; exit 1').lastLine).toBe(
    '12 passed, 2 failed, 0 skipped',
  );
});

test('a run that never came to its counts has failed', () => {
  expect(ci('exit 0')).toEqual({ status: 1, lastLine: '0 passed, 1 failed, 0 skipped' });
});

test('an install that fails ends the run', () => {
  expect(ci('echo "no such package"; exit 1')).toEqual({ status: 1, lastLine: '0 passed, 1 failed, 0 skipped' });
});
