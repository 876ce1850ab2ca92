// node test/bench/demo-memory.ts: how much memory and time the whole demo takes on this machine, beside what it may take.
import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { memoryOf, type ProcessMemory, watchMemory } from '../../dev/demo/memory.ts';
import { countWrites, writeReport } from '../../dev/demo/report.ts';
import { playScript } from '../../dev/demo/script.ts';
import { createView } from '../../dev/demo/view.ts';
import { startTestStack } from '../support/stack.ts';

const limits = { memoryMegabytes: 1300, startSeconds: 15, tapToCreateTask: 3, doneToChat: 5 };

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function sum(processes: readonly ProcessMemory[]): number {
  return processes.reduce((total, { pssBytes }) => total + pssBytes, 0);
}

/** PostgreSQL's many processes as one line. */
function byName(processes: readonly ProcessMemory[]): [string, number][] {
  const names = new Map<string, number>();
  for (const { name, pssBytes } of processes) {
    const short = name.startsWith('postgres') ? 'postgres (all)' : name;
    names.set(short, (names.get(short) ?? 0) + pssBytes);
  }
  return [...names].toSorted(([, a], [, b]) => b - a);
}

function line(what: string, value: number, limit: number, unit: string): void {
  const ratio = `${Math.round((value / limit) * 100)}% of ${limit} ${unit}`;
  console.log(
    `${value <= limit ? 'ok  ' : 'OVER'}  ${what.padEnd(44)} ${String(value).padStart(7)} ${unit}  (${ratio})`,
  );
}

const conditions = (): string =>
  loadavg()
    .map((load) => load.toFixed(1))
    .join(' ');
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(
  `commit ${commit}, Node ${process.versions.node}, ${availableParallelism()} cores, ${Math.round(totalmem() / 1e9)} GB, ` +
    `load at the start ${conditions()}`,
);

const began = performance.now();
const stack = await startTestStack({ renderSeconds: 6 });
const startSeconds = Math.round((performance.now() - began) / 100) / 10;
try {
  const idle = memoryOf(process.pid);
  const memory = watchMemory(250);
  const { telegram, databaseUrl, kubeconfig } = stack.endpoints();
  const writes = await countWrites(kubeconfig);
  const view = createView((text) => process.stderr.write(`${text}\n`));
  const played = await playScript({ telegram, databaseUrl, view, firstChat: 8_000_000 });
  memory.stop();
  const measured = {
    startSeconds,
    memoryMegabytes: { idle: megabytes(sum(idle)), peak: megabytes(memory.peakBytes) },
  };
  const { report, problems } = await writeReport(stack.endpoints(), played, writes, measured);
  console.log(`load at the end ${conditions()}\n\nidle, by process (PSS):`);
  for (const [name, bytes] of byName(idle)) console.log(`  ${String(megabytes(bytes)).padStart(5)} MB  ${name}`);
  console.log('');
  line('memory of everything, idle', measured.memoryMegabytes.idle, limits.memoryMegabytes, 'MB');
  line('memory of everything, at most', measured.memoryMegabytes.peak, limits.memoryMegabytes, 'MB');
  line('start from nothing, programs cached', startSeconds, limits.startSeconds, 's');
  for (const { order, secondsTapToCreateTask: tap, secondsProviderDoneToChat: done } of report.orders) {
    if (tap !== null) line(`${order}: tap to createTask`, tap, limits.tapToCreateTask, 's');
    if (done !== null) line(`${order}: provider done to chat`, done, limits.doneToChat, 's');
  }
  console.log(`      writes to the API server per VideoJob: ${report.apiWritesPerVideoJob}`);
  for (const problem of problems) console.log(`wrong: ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await stack.erase();
}
