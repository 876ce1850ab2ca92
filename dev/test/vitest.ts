import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counts, countsOf } from './counts.ts';
import { failedTests } from './failed.ts';
import type { Lane } from './lanes.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface LaneResult {
  readonly counts: Counts;
  /** A line for each test that failed. */
  readonly failed: readonly string[];
}

/**
 * Runs the tests of one lane and counts them.
 *
 * vitest is started by the Node that runs this file, never by its `.bin` link, which would take the machine's Node.
 *
 * @param rest files and options for vitest, as typed
 */
export async function runLane(lane: Lane, rest: readonly string[], seed: number): Promise<LaneResult> {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-test-'));
  const outputFile = join(directory, 'report.json');
  try {
    const exitCode = await vitest(lane, rest, seed, outputFile);
    const json = await readFile(outputFile, 'utf8').catch(() => undefined);
    return { counts: countsOf(json, exitCode), failed: failedTests(json, ROOT) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function vitest(lane: Lane, rest: readonly string[], seed: number, outputFile: string): Promise<number> {
  const isWatching = rest.includes('--watch');
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      isWatching ? 'watch' : 'run',
      '--root',
      ROOT,
      '--project',
      lane.name,
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${outputFile}`,
      `--reporter=${join(ROOT, 'dev/test/skipped.ts')}`,
      ...rest.filter((argument) => argument !== '--watch'),
    ],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, NEUROCARDS_TEST_SEED: String(seed) } },
  );
  const passOn = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on('SIGINT', passOn).on('SIGTERM', passOn);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
    });
  } finally {
    process.off('SIGINT', passOn).off('SIGTERM', passOn);
  }
}
