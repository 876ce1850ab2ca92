import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSecrets } from './secrets.ts';

test('a demo keeps its keys, and one of an older release gets only those it does not have', () => {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-secrets-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const made = openSecrets(directory);
  expect(openSecrets(directory)).toEqual(made);
  const path = join(directory, 'secrets.json');
  const { identityPepper, ...older } = made;
  writeFileSync(path, JSON.stringify(older));
  const again = openSecrets(directory);
  expect(again).toMatchObject(older);
  expect(again.identityPepper).toHaveLength(identityPepper.length);
  expect(again.identityPepper).not.toBe(identityPepper);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(again);
});
