import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { anchorsIn, brokenLinks, linksIn } from './links.ts';

function checkout(files: Record<string, string>): string {
  const place = mkdtempSync(join(tmpdir(), 'neurocards-links-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  execFileSync('git', ['init', '--quiet'], { cwd: place });
  mkdirSync(join(place, 'docs'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(place, file), text);
  return place;
}

test('a link to a file or a heading that is not there is named with its line', async () => {
  const root = checkout({
    'README.md': '# Here\n\n[gone](docs/gone.md) and [wrong](docs/there.md#nowhere)\n![picture](docs/no.png)\n',
    'docs/there.md': '# There\n\n[up](../README.md#here) [self](#there) [out](../../elsewhere.md)\n',
  });
  expect(await brokenLinks(root)).toEqual([
    'README.md:3: docs/gone.md: no such file',
    'README.md:3: docs/there.md#nowhere: no such heading',
    'README.md:4: docs/no.png: no such file',
    'docs/there.md:3: ../../elsewhere.md: leads out of the repository',
  ]);
});

test('links to other hosts and links inside code are left alone', async () => {
  const root = checkout({
    'README.md': '[a](https://example.com/gone) `[b](gone.md)`\n```\n[c](gone.md)\n```\n',
  });
  expect(await brokenLinks(root)).toEqual([]);
});

test('links are read from Markdown, definitions and HTML', () => {
  const targets = linksIn('[a](one.md "title")\n[b]: two.md\n<img alt="" src="three.png">').map((link) => link.target);
  expect(targets).toEqual(['one.md', 'two.md', 'three.png']);
});

test('headings become the anchors GitHub makes, repeated ones numbered', () => {
  expect(anchorsIn('# Who waits, and why?\n## `kubectl get`\n## Заголовок\n## Again\n## Again\n')).toEqual([
    'who-waits-and-why',
    'kubectl-get',
    'заголовок',
    'again',
    'again-1',
  ]);
});
