import { rowsStruck } from '../faults/crash-table.ts';
import { endingOf } from './ending.ts';
import type { Decision } from './luck.ts';
import { STEP_OF, type StruckEffect, type Tampering } from './network.ts';
import { type Finding, isAtRest, judge } from './oracles.ts';
import { Random } from './random.ts';
import type { Schedule } from './schedule.ts';
import { inVirtualTime } from './virtual-time.ts';
import { World } from './world.ts';

/** What came of one schedule. */
export interface Played {
  readonly findings: readonly Finding[];
  readonly orders: number;
  readonly struck: readonly StruckEffect[];
  readonly rows: readonly number[];
  /** Submits whose outcome nobody could know at the time. */
  readonly ambiguous: number;
  readonly decisions: readonly Decision[];
  /** How each order ended: outcome and reason. */
  readonly ends: readonly string[];
  readonly happenings: number;
  readonly virtualSeconds: number;
  readonly journal: World['network']['journal'];
  /** What stays of it, line by line; where it was asked for. */
  readonly ending: readonly string[] | undefined;
}

/** After the last fault everything has to be at rest within this time: longer than every clock, lease, pause and relist. */
const patienceMs = 45 * 60_000;

/** Plays one schedule from its beginning to its end. Pure: the same schedule gives the same answer. */
export function play(schedule: Schedule, { tampering, journal = false, ending = false }: PlayOptions = {}): Played {
  const world = new World(schedule, tampering);
  if (journal) world.network.journal = [];
  return inVirtualTime(world.engine, new Random(schedule.seed, 8), () => {
    world.begin();
    let lookAt = 0;
    const isOver = (): boolean => {
      if (world.engine.now < lookAt) return false;
      lookAt = world.engine.now + 1_000;
      return isAtRest(world);
    };
    const ended = world.engine.run(isOver, world.quietAt + patienceMs);
    return { ...report(world, ended !== 'over'), ending: ending ? endingOf(world) : undefined };
  });
}

export interface PlayOptions {
  readonly tampering?: Tampering | undefined;
  /** Whether every performed effect is written down. */
  readonly journal?: boolean;
  /** Whether it is told what stays of it. */
  readonly ending?: boolean;
}

function report(world: World, isLate: boolean): Omit<Played, 'ending'> {
  const { network, tables, engine, quietAt } = world;
  const rows = new Set<number>();
  for (const { effect, fault } of network.struck) {
    const step = STEP_OF[effect];
    if (step !== undefined) for (const row of rowsStruck({ step, fault })) rows.add(row);
  }
  return {
    findings: judge(world, isLate),
    orders: tables.orders.size,
    struck: network.struck,
    rows: [...rows],
    ambiguous: network.struck.filter(
      ({ effect, fault }) => effect === 'createTask' && fault !== 'refused' && fault !== 'away',
    ).length,
    decisions: world.luck.decisions,
    ends: [...tables.holds.values()].map(({ state, reason }) => `${state} ${reason ?? ''}`),
    happenings: engine.happened,
    virtualSeconds: (engine.now - quietAt) / 1000 + 150,
    journal: network.journal,
  };
}
