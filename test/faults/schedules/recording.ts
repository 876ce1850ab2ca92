import { z } from 'zod';
import type { Passage } from '../../support/effect-board.ts';
import { type End, endOf, untilOver } from './end.ts';
import type { Lane } from './lane.ts';
import { perform } from './perform.ts';
import { Play } from './play.ts';
import { type NewsPoint, newsName, newsOf, type Point, pointName } from './point.ts';
import type { Workload } from './workloads.ts';

/** What one workload does when nothing goes wrong: its effects in order, what the controller was told, and how it ended. */
export interface Recording {
  readonly workload: Workload;
  readonly points: readonly Point[];
  readonly news: readonly NewsPoint[];
  readonly ends: readonly End[];
}

/** Plays a workload without faults, twice unless once will do; what differs between the two is noise and left out. */
export async function record(lane: Lane, workload: Workload, isOnce = false): Promise<Recording> {
  const first = await recordOnce(lane, workload);
  if (isOnce) return first;
  const second = await recordOnce(lane, workload);
  const points = new Set(second.points.map(pointName));
  const news = new Set(second.news.map(newsName));
  if (endsOf(first) !== endsOf(second)) {
    throw new Error(
      `"${workload.name}" ends differently without any fault: ${JSON.stringify(first.ends)}, ${JSON.stringify(second.ends)}`,
    );
  }
  return {
    ...first,
    points: first.points.filter((one) => points.has(pointName(one))),
    news: first.news.filter((one) => news.has(newsName(one))),
  };
}

/** Which order of a group ends how is the dice's, not ours. */
function endsOf({ ends }: Recording): string {
  return ends
    .map((end) => JSON.stringify(end))
    .sort()
    .join();
}

async function recordOnce(lane: Lane, workload: Workload): Promise<Recording> {
  const play = new Play(lane);
  const readOnly = await functionsThatOnlyRead(lane);
  const passages: Passage[] = [];
  const news: NewsPoint[] = [];
  const watching = lane.gates.kube.controller.witnesses;
  let tapped = false;
  const count = counter();
  const forget = lane.gates.board.witness((passage) => {
    if (tapped && isEffect(passage, readOnly) && isOf(play, passage)) passages.push(passage);
  });
  const hear = (notification: Parameters<typeof newsOf>[0]): void => {
    if (!tapped || !play.orders.some(({ name }) => notification.name.startsWith(name))) return;
    const about = newsOf(notification);
    news.push({ ...about, occurrence: count(`${about.resource} ${about.type} ${about.stage} ${about.tells}`) });
  };
  watching.add(hear);
  try {
    await perform(play, workload, async () => {
      tapped = true;
    });
    await untilOver(play, workload);
    const ends = await Promise.all(play.orders.map((order) => endOf(play, order)));
    return {
      workload,
      points: pointsOf(passages, workload),
      news: news.filter(({ occurrence }) => workload.count === undefined || isEither(occurrence, workload.count)),
      ends,
    };
  } finally {
    forget();
    watching.delete(hear);
  }
}

/** Also what names nobody, where the whole system plays this one workload. */
export function isOf(play: Play, passage: Passage): boolean {
  const { boundary, maker, operation } = passage.effect;
  if (boundary === 'telegram' && maker === 'bot' && nameless.has(operation)) return true;
  return play.owns(passage);
}

const nameless = new Set(['answerCallbackQuery', 'answerPreCheckoutQuery', 'getUpdates confirm']);

function isEffect({ effect: { boundary, operation } }: Passage, readOnly: ReadonlySet<string>): boolean {
  if (boundary === 'api') return !/^(GET|LIST) |leases/.test(operation);
  if (boundary === 'postgres') return !readOnly.has(operation) && !byTheClock.has(operation);
  return operation !== 'getUpdates' && operation !== 'photo';
}

/** Done every so often, so that no two runs do them equally often. */
const byTheClock = new Set(['ledger.renew_attempt', 'ledger.renew_delivery', 'ledger.record_provider_state']);

/** Of what is repeated until something happens, the first times are enough; of what each order of a group does, the first and the last. */
const mostOccurrences = 6;

function pointsOf(passages: readonly Passage[], { count: orders = 1 }: Workload): Point[] {
  const count = counter();
  const all = passages.map(({ effect: { maker, boundary, operation }, moment }) => ({
    ...{ maker, boundary, operation, moment },
    occurrence: count(`${maker} ${boundary} ${operation} ${moment}`),
  }));
  const isWanted = (occurrence: number): boolean =>
    orders === 1 ? occurrence <= mostOccurrences : isEither(occurrence, orders);
  return all.filter(({ operation, occurrence }) =>
    operation === 'recordInfo' ? occurrence <= 2 : isWanted(occurrence),
  );
}

/** Of a group: the first or the last of its orders. */
const isEither = (occurrence: number, orders: number): boolean => occurrence === 1 || occurrence === orders;

function counter(): (what: string) => number {
  const seen = new Map<string, number>();
  return (what) => {
    const next = (seen.get(what) ?? 0) + 1;
    seen.set(what, next);
    return next;
  };
}

const named = z.object({ name: z.string() });

async function functionsThatOnlyRead(lane: Lane): Promise<ReadonlySet<string>> {
  const sql = `select nspname || '.' || proname as name from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where nspname in ('ledger', 'bot') and provolatile <> 'v'`;
  return new Set((await lane.rows(sql, [], named)).map(({ name }) => name));
}
