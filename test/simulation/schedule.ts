import type { Decision, LuckOptions } from './luck.ts';
import type { TaskOutcome } from './provider.ts';
import { Random } from './random.ts';

/** What people, operators and machines do in one schedule, besides what chance does to single effects. */
export interface Act {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly what: (typeof ACTS)[number];
  /** Which order, person or process of those there are. */
  readonly pick: number;
  readonly ms: number;
}

const ACTS = [
  'cancel',
  'kubectl cancel',
  'suspend',
  'resume',
  'delete',
  'strip and delete',
  'delete and make again',
  'make by hand',
  'make an altered one',
  'block',
  'come back',
  'delete the message',
  'ask again',
  'kill bot',
  'kill controller',
  'kill runner',
  'pause controller',
  'pause runner',
  'second leader',
  'postgres away',
  'api away',
  'telegram away',
  'provider away',
  'delete a Job',
] as const;

export const WORKLOADS = [
  'happy',
  'failing',
  'refused by the provider',
  'never answered',
  'ambiguous',
  'cancelled',
  'deleted',
  'blocked',
  'double tap',
  'group',
  'suspended',
  'unlucky machines',
  'strange objects',
  'busy',
] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

export interface Tap {
  readonly at: number;
  readonly person: number;
  readonly nonce: string;
  readonly count: 1 | 3 | 5;
}

/** One whole schedule: the same value is the same run. */
export interface Schedule {
  readonly seed: number;
  readonly workload: WorkloadName;
  readonly bots: 1 | 2;
  readonly taps: readonly Tap[];
  readonly outcomes: readonly TaskOutcome[];
  readonly acts: readonly Act[];
  /** Attempts that may be live at once: a small number makes orders wait. */
  readonly slots: number;
  /** How chance draws, or what it drew in an earlier run. */
  readonly luck: LuckOptions | readonly Decision[];
}

/** Names of effects that a schedule may look at closely. */
const EFFECTS = [
  ...['inbox', 'confirm updates', 'place_orders', 'answer the tap', 'relay POST', 'claim', 'open_execution'],
  ...['generation Job', 'lease_attempt', 'begin_submit', 'createTask', 'answer_submit', 'status mirror', 'callback'],
  ...['recordInfo', 'download', 'store', 'succeed_attempt', 'delivery Job', 'lease_delivery', 'begin_edit'],
  ...['editMessageMedia', 'shown', 'Job end', 'close_order', 'cancel_order', 'take_notices', 'end_notice'],
  ...['sendMessage', 'finalizer', 'watch', 'clocks', 'pod start', 'answer_edit', 'end_execution', 'renew_attempt'],
  ...['renew_delivery', 'observe', 'notify', 'delete Job', 'delete VideoJob', 'adopt_message', 'open_attempt'],
  ...['close_overdue_holds', 'due_orders', 'admit_waiting', 'get Job', 'begin_showing', 'take_showings'],
] as const;

/** The schedule of a seed. */
export function scheduleOf(seed: number, only?: WorkloadName): Schedule {
  const random = new Random(seed, 1);
  const workload = only ?? random.pick(WORKLOADS);
  const focus = new Set<string>();
  for (let left = random.between(1, 3); left > 0; left -= 1) focus.add(random.pick([...EFFECTS]));
  if (workload === 'ambiguous') focus.add(random.pick(['createTask', 'createTask', 'answer_submit', 'begin_submit']));
  const rate = random.pick([0.002, 0.01, 0.03, 0.08]);
  // Now and then nothing is struck and nobody meddles: the run that the others are compared with.
  const isReference = random.chance(0.05);
  return {
    ...{ seed, workload, luck: isReference ? [] : { rate, focus, limit: 12 } },
    bots: random.chance(0.3) || workload === 'double tap' ? 2 : 1,
    taps: tapsOf(workload, random),
    outcomes: outcomesOf(workload, random),
    acts: isReference ? [] : actsOf(workload, random).toSorted((a, b) => a.at - b.at),
    slots: random.chance(0.15) || workload === 'busy' ? 1 : 20,
  };
}

function tapsOf(workload: WorkloadName, random: Random): Tap[] {
  const tap = (at: number, person: number, nonce: string, count: 1 | 3 | 5 = 1): Tap => ({ at, person, nonce, count });
  switch (workload) {
    case 'double tap':
      return random.chance(0.5)
        ? [tap(0, 0, 'n1'), tap(random.between(0, 40), 0, 'n1')]
        : [tap(0, 0, 'n1'), tap(0, 0, 'n1'), tap(random.between(0, 2_000), 0, 'n2')];
    case 'group':
      return [tap(0, 0, 'n1', random.chance(0.8) ? 3 : 5)];
    case 'busy':
      return [tap(0, 0, 'n1'), tap(10, 1, 'n2'), tap(20, 0, 'n3')];
    default:
      return random.chance(0.1) ? [tap(0, 0, 'n1'), tap(random.between(0, 5_000), 1, 'n2')] : [tap(0, 0, 'n1')];
  }
}

function outcomesOf(workload: WorkloadName, random: Random): TaskOutcome[] {
  switch (workload) {
    case 'failing':
      return random.chance(0.5) ? ['failure', 'film'] : ['failure', 'failure', 'failure'];
    case 'refused by the provider':
      return ['verdict'];
    case 'never answered':
      return ['never'];
    default:
      return random.chance(0.05) ? ['failure', 'film'] : ['film'];
  }
}

function actsOf(workload: WorkloadName, random: Random): Act[] {
  const act = (what: Act['what'], least = 50, most = 40_000): Act => ({
    // Early moments are crowded with effects, late ones are not.
    at: Math.round(least + (most - least) * random.fraction() ** 2),
    ...{ what, pick: random.between(0, 9), ms: random.between(500, 60_000) },
  });
  const machines: Act[] = [];
  if (random.chance(0.25)) {
    const what = random.pick([
      ...(['kill bot', 'kill controller', 'kill runner', 'pause controller', 'pause runner', 'second leader'] as const),
      ...(['postgres away', 'api away', 'telegram away', 'provider away', 'delete a Job'] as const),
    ]);
    machines.push(act(what));
  }
  switch (workload) {
    case 'cancelled':
      return [...machines, act(random.chance(0.7) ? 'cancel' : 'kubectl cancel', 20, 15_000)];
    case 'deleted':
      return [...machines, act(random.chance(0.7) ? 'delete' : 'strip and delete')];
    case 'blocked':
      return [...machines, act('block', 0, 20_000), ...(random.chance(0.7) ? [act('come back', 20_000, 90_000)] : [])];
    case 'suspended':
      return [...machines, act('suspend', 50, 20_000), act('resume', 20_000, 60_000)];
    case 'strange objects':
      return [
        ...machines,
        act(
          random.pick(['delete and make again', 'make by hand', 'make an altered one', 'strip and delete']),
          0,
          20_000,
        ),
      ];
    case 'unlucky machines':
      return [
        ...machines,
        ...Array.from({ length: random.between(1, 3) }, () =>
          act(
            random.pick([
              ...(['kill bot', 'kill controller', 'kill runner', 'pause controller', 'pause runner'] as const),
              ...(['second leader', 'postgres away', 'api away', 'telegram away', 'delete a Job'] as const),
            ]),
          ),
        ),
      ];
    case 'never answered':
      return [...machines, ...(random.chance(0.3) ? [act('delete', 5_000, 90_000)] : [])];
    default:
      return [
        ...machines,
        ...(random.chance(0.1) ? [act('delete the message', 1_000, 30_000)] : []),
        ...(random.chance(0.1) ? [act('ask again', 20_000, 120_000)] : []),
        ...(random.chance(0.05) ? [act('delete', 20_000, 90_000)] : []),
      ];
  }
}
