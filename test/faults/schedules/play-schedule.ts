import type { SystemOrder } from '../../support/system.ts';
import type { Strike } from '../crash-table.ts';
import { type Armed, arm, type Struck } from './arm.ts';
import { asleepMs, mayRepeatWords } from './atom.ts';
import { comparable, type End, endOf, StuckError, untilOver } from './end.ts';
import { groupComplaints } from './group.ts';
import type { Lane } from './lane.ts';
import {
  brokenPromises,
  type Complaint,
  complaintsOf,
  type Latencies,
  latenciesOf,
  unknownEnd,
  unsoundBooks,
} from './oracles.ts';
import { perform } from './perform.ts';
import { Play } from './play.ts';
import type { Schedule } from './schedule.ts';
import type { Look } from './watch-order.ts';

/** What came of one schedule. */
export interface Played {
  readonly orders: number;
  readonly struck: readonly Struck[];
  readonly strikes: readonly Strike[];
  /** Submits whose outcome nobody could know: ended by the clock. */
  readonly ambiguous: number;
  readonly complaints: readonly Complaint[];
  readonly seconds: number;
}

/** Plays one schedule to its end and asks every oracle. */
export async function playSchedule(
  lane: Lane,
  schedule: Schedule,
  references: readonly End[],
  latencies: Latencies,
): Promise<Played> {
  const began = performance.now();
  const { workload } = schedule;
  const play = new Play(lane);
  play.patienceMs = asleepMs(schedule.atoms);
  play.mayRepeatWords = schedule.atoms.some(mayRepeatWords);
  const armed: Armed[] = [];
  const complaints: Complaint[] = [];
  let ambiguous = 0;
  try {
    const chain = armInTurn(play, schedule, armed);
    await perform(play, workload, chain.begin);
    await untilOver(
      play,
      workload,
      async (order, seen, stoodMs) => !armed.some(({ isBusy }) => isBusy) && nobodyKnows(play, order, seen, stoodMs),
    );
    // What still sleeps or believes an old view has its time, though the order is over: it must change nothing any more.
    await Promise.all(armed.map((one) => one.idle()));
    await Promise.all(armed.map((one) => one.disarm()));
    await chain.end();
    for (const group of play.groups) {
      const ends = await Promise.all(group.orders.map((order) => endOf(play, order)));
      const wanted = comparable(ends, references);
      for (const [index, order] of group.orders.entries()) {
        const end = ends[index];
        if (end === undefined) continue;
        if (end.hold === unknownEnd) ambiguous += 1;
        complaints.push(...(await complaintsOf(play, order, workload, end, wanted)));
        await latenciesOf(play, order, latencies);
      }
      complaints.push(...(await groupComplaints(play, group)));
    }
    complaints.push(...(await brokenPromises(play)), ...(await unsoundBooks(lane)));
  } catch (error) {
    complaints.push({
      wrong: error instanceof StuckError ? 'stuck' : 'violations',
      what: error instanceof Error ? `${error.message}${causeOf(error)}` : String(error),
    });
    await Promise.allSettled(armed.map((one) => one.disarm()));
  }
  const own = (await workload.strikes?.(play).catch(() => [])) ?? [];
  return {
    orders: play.orders.length,
    struck: armed.flatMap((one) => one.struck),
    strikes: [...armed.flatMap((one) => one.struck.flatMap(({ strikes }) => strikes)), ...own],
    ambiguous,
    complaints,
    seconds: (performance.now() - began) / 1_000,
  };

  function causeOf(error: Error): string {
    return error.cause instanceof Error ? ` (${error.cause.message})` : '';
  }
}

/** The first fault is laid before the tap, each further one when the one before has struck. */
function armInTurn(
  play: Play,
  { atoms }: Schedule,
  armed: Armed[],
): { begin: () => Promise<void>; end: () => Promise<void> } {
  let isOver = false;
  let laying: Promise<void> = Promise.resolve();
  const [first, ...others] = atoms;
  const follow = async (): Promise<void> => {
    for (const atom of others) {
      while (!isOver && armed.at(-1)?.struck.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      if (isOver) return;
      armed.push(await arm(play, atom));
    }
  };
  return {
    begin: async () => {
      if (first === undefined) return;
      armed.push(await arm(play, first));
      laying = follow();
    },
    end: async () => {
      isOver = true;
      await laying;
      await Promise.all(armed.map((one) => one.disarm()));
    },
  };
}

/** A begun submit that no answer and no callback will ever resolve: everything that could speak has spoken. */
async function nobodyKnows(play: Play, order: SystemOrder, { attempt }: Look, stoodMs: number): Promise<boolean> {
  if (attempt !== 'unknown' && attempt !== 'intent') return false;
  if (stoodMs < unsentMs) return false;
  const { system } = play.lane;
  const calls = await system.kieCallsOf(order, 'createTask');
  if (calls.some(({ outcome }) => outcome === 'pending')) return false;
  const tasks = await system.tasks(order);
  if (tasks.some(({ finishedAt }) => finishedAt === undefined)) return false;
  const lastAt = Math.max(0, ...tasks.map(({ finishedAt }) => finishedAt ?? 0));
  return Date.now() - lastAt > silentMs;
}

/** A POST leaves within 5 s of its intent or never; a runner whose answer was held up for 4 s is past that, too. */
const unsentMs = 12_000;

/** Three tries of a callback are over by then, and what it told was looked at, on a busy machine too. */
const silentMs = 30_000;
