import { type Atom, atomName, isLocal } from './atom.ts';
import { type Dice, diceOf, shuffled } from './dice.ts';
import { type Point, stepOf } from './point.ts';
import type { Recording } from './recording.ts';
import type { Workload } from './workloads.ts';

/** The families that schedules are drawn from. */
export const PATTERNS = [
  'intermediate',
  'stale',
  'unobserved',
  'double',
  'wire',
  'twice',
  'outage',
  'pause',
  'stand-in',
  'story',
] as const;
export type Pattern = (typeof PATTERNS)[number];

/** One order or more, and what strikes them: drawn from a recording, so that it is the same for the same seed. */
export interface Schedule {
  readonly pattern: Pattern;
  readonly workload: Workload;
  readonly atoms: readonly Atom[];
}

export function scheduleName({ workload, atoms }: Schedule): string {
  return [workload.name, ...atoms.map(atomName)].join(' | ');
}

/** Whether others may be played beside it on the same system. */
export function isShareable({ workload, atoms }: Schedule): boolean {
  return workload.alone !== true && atoms.every(isLocal);
}

/** How many of a hundred schedules are of each pattern, once every kind of effect was struck. */
const shares: Readonly<Record<Pattern, number>> = {
  intermediate: 30,
  stale: 8,
  unobserved: 12,
  double: 12,
  wire: 12,
  twice: 8,
  outage: 6,
  pause: 3,
  'stand-in': 9,
  story: 0,
};

/** Schedules in their order, and others in case that one of them finds nothing to strike. */
export interface Drawn {
  readonly schedules: readonly Schedule[];
  readonly spare: readonly Schedule[];
}

/**
 * So many schedules: first every story once and each kind of passage killed once, in whatever workload the dice name, then each pattern
 * by its share.
 */
export function draw(
  recordings: readonly Recording[],
  stories: readonly Workload[],
  seed: number,
  number: number,
): Drawn {
  const dice = diceOf(seed);
  const plans = plansOf(recordings);
  const must = [
    ...stories.map((workload): Schedule => ({ pattern: 'story', workload, atoms: [] })),
    ...eachKindKilled(plans, dice),
    ...coverage(plans, dice),
  ];
  const one = byShare(plans, dice);
  const next = (): Schedule => withSleep(one(), dice);
  const chosen = shuffled(must, dice)
    .slice(0, number)
    .map((schedule) => withSleep(schedule, dice));
  while (chosen.length < number) chosen.push(next());
  return { schedules: chosen, spare: Array.from({ length: number }, next) };
}

/** Seconds that a stopped process sleeps: longer than a leader's lease, and up to longer than any. */
const shortestSleep = 32;
const longestSleep = 120;

/** How long somebody sleeps is drawn anew for each schedule: leases run out at different points of the way. */
function withSleep(schedule: Schedule, dice: Dice): Schedule {
  if (schedule.pattern !== 'pause') return schedule;
  const seconds = shortestSleep + Math.floor(dice() * (longestSleep - shortestSleep + 1));
  return {
    ...schedule,
    atoms: schedule.atoms.map((atom) => (atom.kind === 'pause' ? { ...atom, seconds } : atom)),
  };
}

function eachKindKilled({ intermediate }: Plans, dice: Dice): Schedule[] {
  const first = new Map<string, Schedule>();
  for (const plan of shuffled(intermediate, dice)) {
    const [atom] = plan.atoms;
    if (atom?.kind !== 'kill') continue;
    const { maker, boundary, operation, moment } = atom.at;
    const kind = `${stepOf(atom.at) ?? `${maker} ${boundary} ${operation}`} ${moment}`;
    if (!first.has(kind)) first.set(kind, plan);
  }
  return [...first.values()];
}

/** One schedule after the other; each pattern by its share, and none of its plans again before all were drawn. */
function byShare(plans: Plans, dice: Dice): () => Schedule {
  const pools = PATTERNS.map((pattern) => ({
    share: shares[pattern],
    plans: shuffled(plans[pattern], dice),
    at: 0,
  })).filter(({ share, plans: some }) => share > 0 && some.length > 0);
  const total = pools.reduce((sum, { share }) => sum + share, 0);
  return () => {
    let mark = dice() * total;
    for (const pool of pools) {
      mark -= pool.share;
      const plan = pool.plans[pool.at % pool.plans.length];
      if (mark > 0 || plan === undefined) continue;
      pool.at += 1;
      return plan;
    }
    throw new Error('nothing was recorded, so there is nothing to strike');
  };
}

/** One of each kind of fault that is no kill, of those that a row of the crash table needs. */
function coverage(plans: Plans, dice: Dice): Schedule[] {
  const found: Schedule[] = [];
  const wanted: readonly (readonly [Pattern, (atom: Atom) => boolean])[] = [
    ['twice', (atom) => atom.kind === 'twice' && atom.seconds === 0 && at(atom) === 'place_orders'],
    ['twice', (atom) => atom.kind === 'twice' && atom.seconds > 0 && at(atom) === 'place_orders'],
    ['twice', (atom) => atom.kind === 'twice' && at(atom) === 'relay POST'],
    ['twice', (atom) => atom.kind === 'twice' && at(atom) === 'claim'],
    ['twice', (atom) => atom.kind === 'twice' && at(atom) === 'lease_delivery'],
    ['outage', (atom) => atom.kind === 'away' && at(atom) === 'relay POST'],
    ['outage', (atom) => atom.kind === 'away' && at(atom) === 'answer_submit'],
    ['wire', (atom) => atom.kind === 'jump'],
    ['wire', (atom) => atom.kind === 'refuse' && at(atom) === 'createTask'],
    ['stale', () => true],
    ['unobserved', (atom) => atom.kind === 'swallow'],
    ['pause', (atom) => 'maker' in (('at' in atom && atom.at) || {}) && at(atom) === 'claim'],
    ...['callback', 'recordInfo', 'editMessageMedia', 'getUpdates'].map(
      (method) => ['stand-in', (atom: Atom) => atom.kind === 'stand-in' && atom.method === method] as const,
    ),
  ];
  for (const [pattern, is] of wanted) {
    const plan = shuffled(plans[pattern], dice).find(({ atoms }) => atoms.some(is));
    if (plan !== undefined) found.push(plan);
  }
  return found;
}

function at(atom: Atom): string | undefined {
  return 'at' in atom && 'maker' in atom.at ? stepOf(atom.at) : undefined;
}

export type Plans = Readonly<Record<Pattern, readonly Schedule[]>>;

/** Every plan that Sieve's three patterns and ours make of what was recorded. */
export function plansOf(recordings: readonly Recording[]): Plans {
  const all = Object.fromEntries(PATTERNS.map((pattern) => [pattern, [] as Schedule[]])) as Record<Pattern, Schedule[]>;
  for (const recording of recordings) {
    const { workload } = recording;
    const add = (pattern: Pattern, ...atoms: Atom[]): void => void all[pattern].push({ pattern, workload, atoms });
    for (const point of recording.points) {
      if (canKill(point)) add('intermediate', { kind: 'kill', at: point });
      for (const atom of wireFaults(point)) add('wire', atom);
      if (canRepeat(point)) {
        add('twice', { kind: 'twice', at: point, seconds: 0 });
        add('twice', { kind: 'twice', at: point, seconds: 3 });
      }
      for (const atom of outages(point)) add('outage', atom);
      if (point.moment === 'before' && stepOf(point) !== undefined)
        add('pause', { kind: 'pause', at: point, seconds: shortestSleep });
    }
    for (const atoms of stalePairs(recording)) add('stale', atoms);
    for (const atoms of unobserved(recording)) add('unobserved', atoms);
    for (const atoms of doubles(recording)) add('double', ...atoms);
    for (const atom of standInFaults) add('stand-in', atom);
  }
  return all;
}

/** What a controller never made can only be killed with its maker; a process cannot die before a call that names nobody. */
function canKill(point: Point): boolean {
  return !(point.maker === 'bot' && point.boundary === 'kie');
}

/** A paid call is never repeated by a wire: that is what our own protocol must see to. */
function canRepeat({ boundary, moment, operation }: Point): boolean {
  return (
    moment === 'before' &&
    (boundary === 'postgres' || operation === 'editMessageMedia' || /^POST (videojobs|jobs)/.test(operation))
  );
}

function wireFaults(point: Point): Atom[] {
  const found: Atom[] = [{ kind: 'cut', at: point }];
  if (point.moment === 'before' && point.boundary === 'api') {
    for (const status of [409, 410, 429, 500, 503]) found.push({ kind: 'refuse', at: point, status });
  }
  if (point.moment === 'before' && point.operation === 'createTask')
    found.push({ kind: 'refuse', at: point, status: 429 });
  found.push({ kind: 'delay', at: point, seconds: 4 });
  if (point.maker === 'generate' || point.maker === 'deliver') found.push({ kind: 'jump', at: point, seconds: 65 });
  return found;
}

function outages(point: Point): Atom[] {
  if (point.moment !== 'before' || stepOf(point) === undefined) return [];
  return [
    { kind: 'away', at: point, server: 'kube-apiserver', seconds: 8 },
    { kind: 'away', at: point, server: 'postgres', seconds: 8 },
    ...(['kube-apiserver', 'postgres', 'etcd', 'kube-controller-manager', 'node'] as const).map(
      (who): Atom => ({ kind: 'kill-other', at: point, who }),
    ),
  ];
}

/** Pairs of an earlier view and a later act of the controller: what it did once it would do again if it believed the old view. */
function stalePairs({ points }: Recording): Atom[] {
  const views = points.filter(
    ({ boundary, moment, maker }) => boundary === 'api' && moment === 'after' && maker === 'controller',
  );
  const acts = points.filter(
    (point) =>
      point.maker === 'controller' &&
      point.moment === 'after' &&
      (point.boundary === 'api' || stepOf(point) !== undefined),
  );
  return views.flatMap((since, early) =>
    acts
      .filter((act) => points.indexOf(act) > points.indexOf(since))
      .filter((_, late) => (early + late) % 3 === 0)
      .map((act): Atom => ({ kind: 'stale', since, at: act, seconds: 8 })),
  );
}

function unobserved({ news }: Recording): Atom[] {
  return news.flatMap((from, index): Atom[] => [
    { kind: 'watch-gone', at: from },
    { kind: 'swallow', at: from },
    ...news
      .slice(index + 1)
      .filter(({ resource, stage }) => resource === from.resource && stage === from.stage)
      .map((to): Atom => ({ kind: 'unobserved', from, to })),
  ]);
}

/** A second kill during the recovery from the first: of whoever comes after. */
function doubles({ points }: Recording): Atom[][] {
  const kills = points.filter((point) => canKill(point) && stepOf(point) !== undefined);
  return kills.flatMap((first, index) =>
    kills
      .slice(index + 1)
      .filter((_, far) => (index + far) % 7 === 0)
      .map((second): Atom[] => [
        { kind: 'kill', at: first },
        // Counted anew once the first has struck.
        { kind: 'kill', at: { ...second, occurrence: 1 } },
      ]),
  );
}

const standInFaults: readonly Atom[] = [
  ...(['process-then-drop', 'drop', 'hang', '500', '502-html', 'slow', '429'] as const).flatMap((fault): Atom[] => [
    { kind: 'stand-in', where: 'kie', method: 'createTask', fault, times: 1, seconds: 4 },
    { kind: 'stand-in', where: 'kie', method: 'recordInfo', fault, times: 2, seconds: 4 },
    { kind: 'stand-in', where: 'kie', method: 'download', fault, times: 1, seconds: 4 },
    { kind: 'stand-in', where: 'kie', method: 'upload', fault, times: 1, seconds: 4 },
    { kind: 'stand-in', where: 'telegram', method: 'editMessageMedia', fault, times: 1, seconds: 4, retryAfter: 1 },
    { kind: 'stand-in', where: 'telegram', method: 'sendMessage', fault, times: 1, seconds: 4, retryAfter: 1 },
    { kind: 'stand-in', where: 'telegram', method: 'editMessageText', fault, times: 1, seconds: 4, retryAfter: 1 },
    { kind: 'stand-in', where: 'telegram', method: 'answerCallbackQuery', fault, times: 1, seconds: 4, retryAfter: 1 },
  ]),
  { kind: 'stand-in', where: 'kie', method: 'callback', fault: 'drop', times: 3 },
  { kind: 'stand-in', where: 'kie', method: 'callback', fault: 'redeliver', times: 1 },
  { kind: 'stand-in', where: 'kie', method: 'callback', fault: 'process-then-drop', times: 2 },
  { kind: 'stand-in', where: 'telegram', method: 'getUpdates', fault: 'process-then-drop', times: 1 },
  { kind: 'stand-in', where: 'telegram', method: 'getUpdates', fault: 'redeliver', times: 1 },
];

/** For a reader: how many plans there are of each pattern. */
export function countPlans(recordings: readonly Recording[]): string {
  const plans = plansOf(recordings);
  return PATTERNS.filter((pattern) => plans[pattern].length > 0)
    .map((pattern) => `${pattern} ${plans[pattern].length}`)
    .join(', ');
}
