import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { buildBundles } from './bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'neurocards-bundle-'));
const dist = join(place, 'dist');

beforeAll(async () => {
  await buildBundles({ directory: dist, native: true });
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Runs a bundle as the image does: by its first line, far from the checkout, with nothing but Node in the PATH. */
function run(file: string, args: readonly string[], input?: Buffer) {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  const { status, stdout, stderr } = spawnSync(join(dist, file), args, { cwd: '/', env, ...(input && { input }) });
  return { status, stdout, stderr: stderr.toString() };
}

test('the commands of the image start far from the checkout and say nothing they were not asked', () => {
  const help = run('main.mjs', ['--help']);
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout.toString()).toContain('usage: neurocards');
  expect(run('runner.mjs', []).stderr).toContain('usage: neurocards-runner generate|deliver');
});

test('a command that lacks its settings says which, and loads all it needs before that', () => {
  for (const command of ['bot', 'controller', 'migrate']) {
    const { status, stderr } = run('main.mjs', [command]);
    expect(status).toBe(2);
    expect(stderr).toContain('NEUROCARDS_DATABASE_URL (or NEUROCARDS_DATABASE_URL_FILE) is not set');
  }
});

test('the photo process finds its native library beside the bundle', () => {
  const cup = readFileSync(join(ROOT, 'dev/photos/coffee-cup.jpg'));
  const { status, stdout, stderr } = run('photo-child.mjs', [], cup);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.includes(Buffer.from([0xff, 0xd8, 0xff]))).toBe(true);
});

test('migrations and functions lie where migrate looks for them', () => {
  expect(existsSync(join(dist, 'sql/migrations/0001_ledger.sql'))).toBe(true);
  expect(existsSync(join(dist, 'sql/src/ledger/functions/close_order.sql'))).toBe(true);
});

test('the runner carries neither the Kubernetes client nor the code of orders', () => {
  const map = z
    .object({ sources: z.array(z.string()) })
    .parse(JSON.parse(readFileSync(join(dist, 'runner.mjs.map'), 'utf8')));
  expect(map.sources.length).toBeGreaterThan(10);
  expect(map.sources.filter((source) => /@kubernetes|src\/(kube|order)\//.test(source))).toEqual([]);
});
