import { reachableRows, rowsStruck } from '../crash-table.ts';
import { type Summary, complaints as summaryComplaints, summaryLine } from '../summary.ts';
import { Lane } from './lane.ts';
import type { Complaint, Latencies } from './oracles.ts';
import { type Played, playSchedule } from './play-schedule.ts';
import { type Recording, record } from './recording.ts';
import { report } from './report.ts';
import { countPlans, draw, isShareable, type Schedule, scheduleName } from './schedule.ts';
import { STORIES } from './stories.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export interface RunOptions {
  readonly schedules: number;
  readonly seed: number;
  /** Plays only the schedule of this number. */
  readonly only?: number | undefined;
  /** Systems side by side. */
  readonly lanes: number;
  /** What the plans are recorded from; every workload unless fewer are wanted. */
  readonly workloads?: readonly Workload[];
  readonly stories?: readonly Workload[];
  /** Each workload is recorded once: some of what is drawn may then be noise, and finds nothing to strike. */
  readonly recordOnce?: boolean;
  readonly print: (line: string) => void;
  /** Nothing more is begun once it aborts; what was played is told. */
  readonly signal?: AbortSignal;
}

/** One schedule with what came of it. */
export interface Outcome {
  readonly number: number;
  readonly schedule: Schedule;
  readonly played: Played;
}

export interface RunResult {
  readonly summary: Summary;
  readonly outcomes: readonly Outcome[];
  /** Sentences; empty when it is green. */
  readonly complaints: string[];
}

/** On one system so many orders at most, where each is struck by itself. */
const shared = 3;

const isStruck = ({ played }: Outcome): boolean => played.struck.length + played.strikes.length > 0;

/** Records every workload, draws the schedules, plays them on a few systems at once, and tells what came of it. */
export async function runSchedules(options: RunOptions): Promise<RunResult> {
  const { seed, print } = options;
  const began = performance.now();
  const lanes = await startLanes(options.lanes);
  const latencies: Latencies = { settled: [], created: [], returned: [] };
  const outcomes: Outcome[] = [];
  const late: Complaint[] = [];
  try {
    print(`${lanes.length} systems run after ${seconds(began)} s.`);
    const recordings = await recordAll(lanes, options.workloads ?? WORKLOADS, options.recordOnce === true, late);
    for (const lane of lanes) {
      late.push(...lane.unclassified().map((what): Complaint => ({ wrong: 'violations', what: `recording: ${what}` })));
    }
    for (const { what } of late) print(what);
    print(`Recorded ${recordings.length} workloads after ${seconds(began)} s; plans: ${countPlans(recordings)}.`);
    const drawn = draw(recordings, options.stories ?? STORIES, seed, options.schedules);
    const playOn = async (lane: Lane, { number, schedule }: Numbered): Promise<void> => {
      const references = recordings.find(({ workload }) => workload === schedule.workload)?.ends ?? [];
      const played = await playSchedule(lane, schedule, references, latencies);
      outcomes.push({ number, schedule, played });
      print(lineOf(seed, number, schedule, played, outcomes.filter(isStruck).length, wanted.length));
    };
    const numbered = [...drawn.schedules, ...drawn.spare].map((schedule, index) => ({ number: index + 1, schedule }));
    const wanted = numbered.filter(({ number }) =>
      options.only === undefined ? number <= options.schedules : number === options.only,
    );
    const heard = (lane: Lane, batch: readonly Numbered[]): void => {
      const names = batch.map(({ number }) => `${seed}.${number}`).join(', ');
      for (const what of new Set(lane.unclassified())) {
        late.push({ wrong: 'violations', what: `beside ${names}: ${what}` });
        print(`WRONG beside ${names}: ${what}`);
      }
    };
    await playAll(lanes, wanted, playOn, heard, options.signal);
    // A schedule that found nothing to strike is no schedule: another one is played in its stead.
    const spare = numbered.slice(options.schedules);
    while (options.only === undefined && spare.length > 0 && options.signal?.aborted !== true) {
      const missing = options.schedules - outcomes.filter(isStruck).length;
      if (missing <= 0) break;
      await playAll(lanes, spare.splice(0, missing), playOn, heard, options.signal);
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
  const summary = summarize(outcomes, late);
  for (const line of report(outcomes, latencies, (performance.now() - began) / 1_000)) print(line);
  const found = [
    ...outcomes.flatMap(({ number, schedule, played }) =>
      played.complaints.map(
        ({ wrong, what }) => `seed ${seed}.${number} (${scheduleName(schedule)}): ${wrong}: ${what}`,
      ),
    ),
    ...late.map(({ what }) => what),
    ...slow(latencies),
    ...summaryComplaints(
      summary,
      'real',
      options.only === undefined && options.schedules >= reachableRows('real').length * 3,
    ),
  ];
  print(summaryLine(summary));
  return { summary, outcomes, complaints: found };
}

async function startLanes(number: number): Promise<Lane[]> {
  const begun = await Promise.allSettled(Array.from({ length: number }, () => Lane.start()));
  const lanes = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = begun.find((one) => one.status === 'rejected');
  if (failed === undefined) return lanes;
  await Promise.all(lanes.map((lane) => lane.close()));
  throw failed.reason;
}

/** A workload that goes wrong without any fault is a complaint of its own, and the others are struck all the same. */
async function recordAll(
  lanes: readonly Lane[],
  workloads: readonly Workload[],
  isOnce: boolean,
  complaints: Complaint[],
): Promise<Recording[]> {
  const recordings = new Map<Workload, Recording>();
  await eachOn(lanes, [...workloads], async (lane, workload) => {
    try {
      recordings.set(workload, await record(lane, workload, isOnce));
    } catch (error) {
      complaints.push({ wrong: 'violations', what: `"${workload.name}" without any fault: ${wordsOf(error)}` });
    }
  });
  // In the order of the table, so that the same seed draws the same.
  return workloads.flatMap((workload) => recordings.get(workload) ?? []);
}

type Numbered = { readonly number: number; readonly schedule: Schedule };

/** A schedule that strikes more than its own order has a system to itself; others share one. */
async function playAll(
  lanes: readonly Lane[],
  all: readonly Numbered[],
  play: (lane: Lane, one: Numbered) => Promise<void>,
  heard: (lane: Lane, batch: readonly Numbered[]) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const alone = all.filter(({ schedule }) => !isShareable(schedule)).map((one) => [one]);
  // Those in which somebody sleeps stand together: the others of a group would wait for them.
  const isSleepy = ({ schedule }: Numbered): boolean => schedule.pattern === 'pause';
  const shareable = all.filter(({ schedule }) => isShareable(schedule));
  const together = [...inGroups(shareable.filter(isSleepy)), ...inGroups(shareable.filter((one) => !isSleepy(one)))];
  const batches = [...alone, ...together].sort(([one], [other]) => (one?.number ?? 0) - (other?.number ?? 0));
  await eachOn(lanes, batches, async (lane, batch) => {
    if (signal?.aborted === true) return;
    await Promise.all(batch.map((one) => play(lane, one)));
    heard(lane, batch);
  });
}

function inGroups(all: readonly Numbered[]): Numbered[][] {
  const groups: Numbered[][] = [];
  for (let at = 0; at < all.length; at += shared) groups.push(all.slice(at, at + shared));
  return groups;
}

/** Each lane takes the next work as soon as it is free. */
async function eachOn<T>(
  lanes: readonly Lane[],
  works: T[],
  run: (lane: Lane, work: T) => Promise<void>,
): Promise<void> {
  const pending = [...works];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let work = pending.shift(); work !== undefined; work = pending.shift()) await run(lane, work);
    }),
  );
}

function summarize(outcomes: readonly Outcome[], late: readonly Complaint[]): Summary {
  const all = [...outcomes.flatMap(({ played }) => played.complaints), ...late];
  const of = (wrong: Complaint['wrong']): number => all.filter((one) => one.wrong === wrong).length;
  const sum = (figure: (played: Played) => number): number =>
    outcomes.reduce((total, { played }) => total + figure(played), 0);
  return {
    schedules: outcomes.filter(isStruck).length,
    orders: sum(({ orders }) => orders),
    faults: sum(({ struck, strikes }) => Math.max(struck.length, strikes.length > 0 ? 1 : 0)),
    rows: new Set(outcomes.flatMap(({ played }) => played.strikes.flatMap(rowsStruck))),
    ambiguous: sum(({ ambiguous }) => ambiguous),
    lost: of('lost'),
    doubled: of('doubled'),
    stuck: of('stuck'),
    violations: of('violations'),
  };
}

/** Settled within a minute of its cause: so must 99 of 100 be. */
function slow({ settled }: Latencies): string[] {
  const sorted = settled.map(({ ms }) => ms).sort((one, other) => one - other);
  const p99 = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
  return p99 > 60_000
    ? [`settled ${Math.round(p99 / 1_000)} s after its cause (p99), and at most 60 s are promised`]
    : [];
}

function lineOf(seed: number, number: number, schedule: Schedule, played: Played, done: number, all: number): string {
  const verdict =
    played.complaints.length > 0
      ? 'WRONG'
      : played.struck.length + played.strikes.length > 0
        ? 'ok'
        : 'ok, and nothing was struck';
  const wrong = played.complaints.map(({ wrong: kind, what }) => `\n    ${kind}: ${what}`).join('');
  return `${done}/${all} ${seed}.${number} ${played.seconds.toFixed(0)} s ${verdict}: ${scheduleName(schedule)}${wrong}`;
}

/** With what is behind it, which says more than "waited in vain". */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${wordsOf(error.cause)})`;
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(0);
}
