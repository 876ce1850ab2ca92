import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readArrows, sourceFiles, wrongArrows } from './arrows.ts';

const ROOT = join(import.meta.dirname, '../..');
const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

/** A house with only these files in it, and our node_modules. */
function house(files: Record<string, string>): string {
  const place = mkdtempSync(join(tmpdir(), 'neurocards-arrows-'));
  places.push(place);
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  writeFileSync(join(place, 'package.json'), '{"type": "module"}');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    writeFileSync(join(place, file), text);
  }
  return place;
}

async function brokenRules(files: Record<string, string>): Promise<string[]> {
  const { wrong } = await readArrows(house(files));
  return [...new Set(wrong.map((arrow) => arrow.rule))].sort();
}

test('every arrow in this checkout goes down, and every source file was read', async () => {
  expect(sourceFiles(ROOT).length).toBeGreaterThan(0);
  expect(await wrongArrows(ROOT)).toEqual([]);
});

describe('a planted wrong import is found', () => {
  const word = 'export const word = 1;\nexport type Word = 1;\n';
  const cases: readonly [string, string, Record<string, string>][] = [
    [
      'a rule that reaches a door',
      'rules-import-nothing-of-ours',
      { 'src/failure/a.ts': `import { word } from '../log/b.ts';\nexport default word;`, 'src/log/b.ts': word },
    ],
    [
      'a rule that takes only a type from a door',
      'rules-import-nothing-of-ours',
      { 'src/texts/a.ts': `import type { Word } from '../log/b.ts';\nexport type A = Word;`, 'src/log/b.ts': word },
    ],
    [
      'a door that opens another',
      'doors-import-plumbing-and-rules',
      {
        'src/telegram/a.ts': `import { word } from '../postgres/b.ts';\nexport default word;`,
        'src/postgres/b.ts': word,
      },
    ],
    [
      'a ledger that knows orders',
      'ledger-knows-only-doors-and-rules',
      {
        'src/ledger/a.ts': `import type { Word } from '../order/b.ts';\nexport type A = Word;`,
        'src/order/b.ts': word,
      },
    ],
    [
      'a delivery that knows generation',
      'stages-know-the-ledger-and-below',
      {
        'src/delivery/a.ts': `import { word } from '../generation/b.ts';\nexport default word;`,
        'src/generation/b.ts': word,
      },
    ],
    [
      'a bot that imports the controller',
      'processes-never-import-each-other',
      {
        'src/bot/a.ts': `import { word } from '../controller/b.ts';\nexport default word;`,
        'src/controller/b.ts': word,
      },
    ],
    [
      'an import of an entry',
      'nobody-imports-an-entry',
      { 'src/bot/a.ts': `import { word } from '../main.ts';\nexport default word;`, 'src/main.ts': word },
    ],
    [
      'a runner that reaches orders through another room',
      'runner-stays-small',
      {
        'src/runner.ts': `import { word } from './runner/a.ts';\nconsole.log(word);`,
        'src/runner/a.ts': `export { word } from '../order/b.ts';`,
        'src/order/b.ts': word,
      },
    ],
    [
      'a runner that reaches the Kubernetes client',
      'runner-stays-small',
      {
        'src/runner.ts': `import { word } from './runner/a.ts';\nconsole.log(word);`,
        'src/runner/a.ts': `import { KubeConfig } from '@kubernetes/client-node';\nexport const word = KubeConfig;`,
      },
    ],
    [
      'a runner that reaches it only when asked',
      'runner-stays-small',
      { 'src/runner.ts': `const { word } = await import('./kube/b.ts');\nconsole.log(word);`, 'src/kube/b.ts': word },
    ],
    [
      'an import inside a using declaration',
      'runner-stays-small',
      {
        'src/runner.ts': `await using kept = (await import('./kube/b.ts')).keep();\nconsole.log(kept);`,
        'src/kube/b.ts': 'export function keep() { return null; }',
      },
    ],
    [
      'metrics outside their room',
      'one-room-for-metrics',
      { 'src/http/a.ts': `import { Registry } from 'prom-client';\nexport default Registry;` },
    ],
    [
      'code that ships with a stand-in',
      'src-never-imports-dev-or-test',
      { 'src/bot/a.ts': `import { word } from '../../dev/b.ts';\nexport default word;`, 'dev/b.ts': word },
    ],
    [
      'an import that leads nowhere',
      'every-import-is-found',
      { 'src/bot/a.ts': `import { word } from './gone.ts';\nexport default word;` },
    ],
  ];
  test.each(cases)('%s', async (_, rule, files) => {
    expect(await brokenRules(files)).toEqual([rule]);
  });
});

test('what the floors allow is left alone', async () => {
  const word = 'export const word = 1;\n';
  expect(
    await brokenRules({
      'src/main.ts': `import './bot/a.ts';`,
      'src/bot/a.ts': `import { word } from '../order/a.ts';\nexport const bot = word;`,
      'src/order/a.ts': `import { word } from '../ledger/a.ts';\nexport { word };`,
      'src/ledger/a.ts': `import { word } from '../postgres/a.ts';\nexport { word };`,
      'src/postgres/a.ts': `import { word } from '../log/a.ts';\nexport { word };`,
      'src/log/a.ts': word,
      'src/metrics/a.ts': `import { Registry } from 'prom-client';\nexport default Registry;`,
      'src/runner.ts': `import { word } from './log/a.ts';\nconsole.log(word);`,
      'src/bot/a.test.ts': `import { word } from '../../dev/b.ts';\nexport default word;`,
      'dev/b.ts': word,
    }),
  ).toEqual([]);
});

test('a checkout whose files could not be read is no clean checkout', async () => {
  await expect(readArrows(house({ 'src/readme.txt': '' }))).rejects.toThrow('No import under');
});
