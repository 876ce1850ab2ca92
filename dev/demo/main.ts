import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';
import { erasePostgres } from '../postgres/server.ts';
import { partNames } from './command.ts';
import { takeDirectory } from './directory.ts';
import { writeEnvironmentFiles } from './env-files.ts';
import { invite, inviteByHand } from './invitation.ts';
import { type MemoryWatch, watchMemory, wholeMemory } from './memory.ts';
import { type DemoOptions, help, readOptions } from './options.ts';
import { portsFrom } from './ports.ts';
import { countWrites, type Judged, writeReport } from './report.ts';
import { playScript } from './script.ts';
import { type Stack, startStack } from './stack.ts';
import { createView, type View } from './view.ts';

/** What a demo that was killed left behind ends within this time, and its ports are free then. */
const leftoversMs = 15_000;
const interrupted = 130;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const { directory } = options;
  const stopping = stopSignal();
  const taken = await takeDirectory(directory);
  // Also when a second Ctrl-C ends us at once.
  process.once('exit', taken.release);
  const ports = await portsFrom(options.portBase, taken.wasAbandoned ? leftoversMs : 0);
  if (options.reset) {
    erasePostgres(join(directory, 'postgres'));
    taken.empty();
  }
  const view = createView();
  view.heading('Neurocards on this machine');
  try {
    const stack = await startStack({
      ...options,
      ports,
      signal: stopping.signal,
      onProgress: (line) => view.note(line),
    });
    try {
      return await run(stack, options, view, stopping);
    } finally {
      view.note('stopping');
      await stack.stop();
    }
  } catch (error) {
    if (stopping.signal.aborted) return interrupted;
    throw error;
  }
}

async function run(stack: Stack, options: DemoOptions, view: View, stopping: Stopping): Promise<number> {
  writeEnvironmentFiles(stack.directory, stack.environments);
  view.good('everything runs');
  if (options.parts.length < partNames.length || options.standIns.length < 3) {
    inviteByHand(stack, options, view);
    if (!options.once) await stopping.heard;
    return 0;
  }
  const memory = watchMemory();
  const code = await Promise.race([play(stack, view, memory), stopping.heard.then(() => interrupted)]).finally(() =>
    memory.stop(),
  );
  if (options.once || stopping.signal.aborted) return code;
  invite(stack, view);
  await stopping.heard;
  return code;
}

async function play(stack: Stack, view: View, memory: MemoryWatch): Promise<number> {
  const endpoints = stack.endpoints();
  const startSeconds = tenths(performance.now() / 1000);
  const idle = wholeMemory();
  const writesBefore = await countWrites(endpoints.kubeconfig);
  const played = await playScript({
    telegram: endpoints.telegram,
    databaseUrl: endpoints.databaseUrl,
    view,
    firstChat: 1000 + (Math.floor(Date.now() / 1000) % 100_000_000) * 10,
  });
  const measured = {
    startSeconds,
    memoryMegabytes: { idle: megabytes(idle), peak: megabytes(memory.peakBytes) },
  };
  const judged = await writeReport(stack.endpoints(), played, writesBefore, measured);
  writeFileSync(join(stack.directory, 'report.json'), `${JSON.stringify(judged.report, null, 2)}\n`);
  view.heading('kubectl get videojobs');
  const arguments_ = [`--kubeconfig=${endpoints.kubeconfig}`, '-n', endpoints.namespace, 'get', 'videojobs'];
  spawnSync(stack.controlPlane.binaries.kubectl, arguments_, { stdio: ['ignore', 'inherit', 'inherit'] });
  return tell(judged, view, join(stack.directory, 'report.json'));
}

function tell({ report, problems }: Judged, view: View, file: string): number {
  view.heading(`Report (${relative(checkout, file)})`);
  const seconds = (value: number | null): string => (value === null ? '-' : `${value} s`);
  for (const order of report.orders) {
    view.note(
      `${order.order}  ${order.outcome}, ${order.credits}; tap to createTask ${seconds(order.secondsTapToCreateTask)}, ` +
        `provider done to chat ${seconds(order.secondsProviderDoneToChat)}`,
    );
  }
  const { granted, bought, held, captured, available } = report.ledger;
  view.note(`ledger: granted ${granted}, bought ${bought}, held ${held}, captured ${captured}, available ${available}`);
  view.note(`writes to the API server per VideoJob: ${report.apiWritesPerVideoJob}`);
  const { idle, peak } = report.memoryMegabytes;
  view.note(`memory of everything (PSS): ${idle} MB idle, at most ${peak} MB; ready after ${report.startSeconds} s`);
  for (const problem of problems) view.bad(problem);
  if (problems.length > 0) return 1;
  view.good('all three orders went as they should');
  return 0;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

interface Stopping {
  signal: AbortSignal;
  heard: Promise<void>;
}

/** A terminal and npm may both pass on one Ctrl-C: only a signal after half a second means "at once". */
function stopSignal(): Stopping {
  const controller = new AbortController();
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  let first: number | undefined;
  const hear = (): void => {
    if (first !== undefined && Date.now() - first > 500) process.exit(interrupted);
    first ??= Date.now();
    controller.abort();
    resolve();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, hear);
  return { signal: controller.signal, heard };
}

/** Exits itself: after an interruption the script still waits for what will never come. */
async function end(): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    const known = error instanceof DevEnvironmentError;
    process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}

await end();
