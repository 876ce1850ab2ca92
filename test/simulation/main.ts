// Plays orders against models of the other sides, with bad luck, and says whether every promise held. See --help.
import { createInterface } from 'node:readline';
import { complaints, summaryLine } from '../faults/summary.ts';
import { HELP, parseOptions, type SimulateOptions } from './options.ts';
import { play } from './play.ts';
import { EndlessError, processOf } from './process-of-run.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';
import { add, count, emptyTally, summaryOf, type Tally } from './tally.ts';

/** Fewer schedules need not meet every row. */
const wholeFrom = 10_000;
/** Schedules that a process is given at a time. */
const batch = 50;
const progressMs = 30_000;

function scheduleFor({ workload }: SimulateOptions, seed: number): Schedule {
  return scheduleOf(seed, workload);
}

/**
 * One process of a run: each line that comes in names the first schedule of a batch. It is answered by the seed of each schedule that
 * begins, and by a line of JSON for all of them.
 */
function playBatches(options: SimulateOptions): void {
  // Thousands of errors are made on purpose, and their stacks, which nobody reads here, would cost more than they do.
  Error.stackTraceLimit = 0;
  createInterface({ input: process.stdin }).on('line', (first) => {
    // By way of the event loop: what only weak references hold is let go there.
    setImmediate(() => process.stdout.write(`${JSON.stringify(playBatch(options, Number(first)))}\n`));
  });
}

function playBatch(options: SimulateOptions, first: number): Tally {
  const { schedules, seed, keepGoing, tampering } = options;
  const tally = emptyTally();
  for (let index = first; index < Math.min(first + batch, schedules); index += 1) {
    process.stdout.write(`${seed + index}\n`);
    count(tally, seed + index, play(scheduleFor(options, seed + index), { tampering }));
    if (tally.failures.length > 0 && !keepGoing) break;
  }
  return tally;
}

async function playAll(options: SimulateOptions): Promise<number> {
  const { schedules, seed, processes, keepGoing, tampering, workload } = options;
  console.log(
    `Schedules ${seed} to ${seed + schedules - 1}: npm run simulate -- --schedules ${schedules} --seed ${seed}`,
  );
  const sum = emptyTally();
  const began = performance.now();
  const stop = new AbortController();
  let told = began;
  let given = 0;
  const give = (): number | undefined => {
    const first = given;
    given += batch;
    return first < schedules ? first : undefined;
  };
  const take = (tally: Tally): void => {
    add(sum, tally);
    if (keepGoing) for (const failure of tally.failures) console.error(`seed ${failure.seed} breaks a promise`);
    if (tally.failures.length > 0 && !keepGoing) stop.abort();
    told = tellProgress(sum.schedules, schedules, told);
  };
  const beside = Math.min(processes, Math.ceil(schedules / batch));
  try {
    await Promise.all(Array.from({ length: beside }, () => processOf(seed, stop.signal, give, take)));
  } catch (error) {
    stop.abort();
    throw error;
  }
  const isWhole = schedules >= wholeFrom && workload === undefined && tampering === undefined && !stop.signal.aborted;
  const seconds = (performance.now() - began) / 1000;
  return new Promise((resolve) => setImmediate(() => resolve(tell(sum, options, isWhole, seconds))));
}

/** One line every half minute of a long run; answers when the last one was told. */
function tellProgress(played: number, of: number, told: number): number {
  const now = performance.now();
  if (now - told < progressMs) return told;
  console.error(`${played} of ${of} schedules played`);
  return now;
}

/** The figures, and what was wrong; answers the exit code. */
function tell(sum: Tally, options: SimulateOptions, isWhole: boolean, seconds: number): number {
  for (const [end, times] of Object.entries(sum.ends).toSorted(([, a], [, b]) => b - a)) {
    console.log(`  ${String(times).padStart(8)}  ${end}`);
  }
  const summary = summaryOf(sum);
  const wrong = complaints(summary, 'simulation', isWhole);
  const [first] = sum.failures.toSorted((a, b) => a.seed - b.seed);
  if (first !== undefined) explain(first.seed, options);
  if (options.keepGoing && sum.failures.length > 1) {
    console.log(`Failing seeds: ${sum.failures.map(({ seed }) => seed).join(' ')}`);
  }
  for (const complaint of wrong) console.error(complaint);
  console.log(`${seconds.toFixed(1)} s`);
  console.log(summaryLine(summary));
  return wrong.length === 0 ? 0 : 1;
}

/** One failing schedule: what broke, and the shortest schedule that still breaks it. */
function explain(seed: number, options: SimulateOptions): void {
  const { tampering } = options;
  const schedule = scheduleFor(options, seed);
  const played = play(schedule, { tampering });
  for (const { kind, oracle, text } of played.findings) console.error(`seed ${seed}: ${kind}: ${oracle}: ${text}`);
  if (played.findings.length === 0 || !options.shrink) return;
  const shortest = shrink(schedule, played, { tampering });
  console.error(`The shortest schedule that breaks it (workload ${schedule.workload}):`);
  console.error(`  taps   ${JSON.stringify(shortest.schedule.taps)}`);
  console.error(`  acts   ${JSON.stringify(shortest.schedule.acts)}`);
  console.error(`  chance ${JSON.stringify(shortest.schedule.luck)}`);
  for (const { kind, oracle, text } of shortest.played.findings) console.error(`  => ${kind}: ${oracle}: ${text}`);
  console.error(`Again: npm run simulate -- --replay ${seed}${tamperingText(options)}`);
}

function tamperingText({ tampering, workload }: SimulateOptions): string {
  const only = workload === undefined ? '' : ` --workload "${workload}"`;
  return tampering === undefined ? only : `${only} --${tampering.how} "${tampering.effect}"`;
}

function replay(seed: number, options: SimulateOptions): number {
  const schedule = scheduleFor(options, seed);
  const played = play(schedule, { tampering: options.tampering, journal: true });
  console.log(JSON.stringify({ ...schedule, luck: played.decisions }, undefined, 2));
  for (const { effect, process, about } of played.journal ?? []) console.log(`${process}  ${effect}  ${about ?? ''}`);
  for (const { at, effect, fault, process } of played.struck)
    console.log(`struck at ${at}: ${effect} ${fault} (${process})`);
  console.log(`ends: ${played.ends.join(', ')}`);
  const tally = emptyTally();
  count(tally, seed, played);
  return tell(tally, options, false, 0);
}

/** Names of what a run without bad luck did, each once, in the order they first came. */
function listEffects(options: SimulateOptions): number {
  const lucky: Schedule = { ...scheduleOf(1, options.workload ?? 'happy'), acts: [], luck: [] };
  const { journal = [] } = play(lucky, { journal: true, tampering: options.tampering });
  for (const effect of new Set(journal.map((one) => one.effect))) console.log(effect);
  return 0;
}

function main(options: SimulateOptions): number | Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.effects) return listEffects(options);
  if (options.replay !== undefined) return replay(options.replay, options);
  if (!options.batches) return playAll(options);
  playBatches(options);
  return 0;
}

// Not in a promise: microtasks are drained by hand here, which Node allows only outside of them.
setImmediate(() => {
  const fail = (error: unknown): void => {
    const isOurs = error instanceof EndlessError;
    console.error(error instanceof Error && !isOurs ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  };
  try {
    void Promise.resolve(main(parseOptions(process.argv.slice(2)))).then((code) => {
      process.exitCode = code;
    }, fail);
  } catch (error) {
    fail(error);
  }
});
