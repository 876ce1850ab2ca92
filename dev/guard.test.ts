import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const guard = join(import.meta.dirname, 'guard.mjs');

/** The machine's own Node, which the npm scripts never use; on many machines an older one. */
function oldNode(): string | undefined {
  const candidates = ['/usr/bin/node', '/usr/local/bin/node', '/opt/homebrew/bin/node'].filter((path) =>
    existsSync(path),
  );
  return candidates.find((path) => {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout;
    return Number(/^v(\d+)/.exec(version)?.[1] ?? 99) < 24;
  });
}

test('the Node that npm installed passes the guard in silence', () => {
  const run = spawnSync(process.execPath, ['--import', guard, '--eval', ''], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
});

test('an older Node stops before any TypeScript, in one sentence that says what to do', (context) => {
  const node = oldNode();
  if (node === undefined) context.skip('this machine has no Node older than 24');
  else {
    const run = spawnSync(node, ['--import', guard, join(import.meta.dirname, 'test/main.ts')], { encoding: 'utf8' });
    expect(run.status).toBe(1);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    expect(run.stderr).toContain('needs Node 24.11 or later');
    expect(run.stderr).toContain('npm run demo');
  }
});
