import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyPackages } from './native.ts';

function modules(packages: Record<string, object>): { from: string; to: string } {
  const place = mkdtempSync(join(tmpdir(), 'neurocards-native-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  for (const [name, json] of Object.entries(packages)) {
    mkdirSync(join(place, 'from', name), { recursive: true });
    writeFileSync(join(place, 'from', name, 'package.json'), JSON.stringify(json));
  }
  return { from: join(place, 'from'), to: join(place, 'to') };
}

test('a package is copied with all it needs here, other platforms left out', async () => {
  const { from, to } = modules({
    picture: { dependencies: { codec: '1' }, optionalDependencies: { '@p/linux': '1', '@p/mac': '1' } },
    codec: { dependencies: { picture: '1' } },
    '@p/linux': {},
    unrelated: {},
  });
  expect(await copyPackages(['picture'], from, to)).toEqual(['@p/linux', 'codec', 'picture']);
  expect(readdirSync(to).sort()).toEqual(['@p', 'codec', 'picture']);
});

test('a package that is not installed is named', async () => {
  const { from, to } = modules({});
  await expect(copyPackages(['picture'], from, to)).rejects.toThrow('holds no picture; run npm ci first');
});
