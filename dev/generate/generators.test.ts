import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { outdatedFiles, writeFiles } from './generators.ts';

test('a generated file that is missing or was edited is named, and written again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'neurocards-generate-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const generators = ['fine.yaml', 'edited.yaml', 'new/missing.yaml'].map((file) => ({
    file,
    text: async () => `# ${file}\n`,
  }));
  writeFileSync(join(root, 'fine.yaml'), '# fine.yaml\n');
  writeFileSync(join(root, 'edited.yaml'), '# by hand\n');

  expect(await outdatedFiles(root, generators)).toEqual([
    'edited.yaml is not what its source gives; run npm run generate.',
    'new/missing.yaml is missing; npm run generate writes it.',
  ]);
  expect(await writeFiles(root, generators)).toEqual(['edited.yaml', 'new/missing.yaml']);
  expect(await outdatedFiles(root, generators)).toEqual([]);
});
