// Runs the tests and says at the very end how many passed, failed and were skipped. See --help.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { add, type Counts, closingLine, NONE } from './counts.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { type LaneResult, runLane } from './vitest.ts';

let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isStopped = true;
  });
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  console.log(`Property tests run with --seed ${seed}.`);
  const { counts, failed } = await runAll(options, seed);
  if (failed.length > 0) console.log(['\nFailed:', ...failed].join('\n  '));
  console.log(`\n${closingLine(counts)}`);
  return counts.failed === 0 && !isStopped ? 0 : 1;
}

async function runAll(options: Options, seed: number): Promise<LaneResult> {
  let counts = NONE;
  const failed: string[] = [];
  if (options.check) counts = add(counts, await runCheck());
  if (counts.failed > 0) failed.push('check: see its part above, or npm run check');
  for (const lane of options.lanes) {
    if (isStopped) break;
    console.log(`\n== ${lane.name}: ${lane.proves}`);
    const result = await runLane(lane, options.rest, seed);
    counts = add(counts, result.counts);
    failed.push(...result.failed);
  }
  return { counts: isStopped && counts.failed === 0 ? { ...counts, failed: 1 } : counts, failed };
}

/** The checks count as one failure when red and as nothing when green: they are no tests. */
async function runCheck(): Promise<Counts> {
  console.log('== check: types, lint, arrows, unused code, generated files, links');
  const child = spawn(process.execPath, [join(import.meta.dirname, '../check/main.ts')], { stdio: 'inherit' });
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
  return exitCode === 0 ? NONE : { ...NONE, failed: 1 };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
