import { z } from 'zod';
import { failureClasses } from '../../../src/failure/classes.ts';
import { en } from '../../../src/texts/en.ts';
import { isEndReason } from '../../../src/videojob/reasons.ts';
import type { SystemOrder } from '../../support/system.ts';
import { type End, isLike, type Reference } from './end.ts';
import { messagesWithVideo, tasksOf } from './group.ts';
import type { Lane } from './lane.ts';
import type { Play } from './play.ts';
import { lostPayments } from './purchase.ts';
import { look } from './watch-order.ts';
import type { Workload } from './workloads.ts';

/*
 * What must be true in the end, whatever struck. Computed from PostgreSQL's tables and the stand-ins' own journals, never from flags of ours.
 */

/** As the closing line counts them. */
export type Wrong = 'lost' | 'doubled' | 'stuck' | 'violations';

export interface Complaint {
  readonly wrong: Wrong;
  readonly what: string;
}

/** How long after its cause each settlement came, and each object after its tap; the cause by the stand-ins' clocks. */
export interface Latencies {
  readonly settled: { readonly order: string; readonly cause: string; readonly ms: number }[];
  readonly created: { readonly order: string; readonly ms: number }[];
  /** The same for orders during which a server or the bot was away or asleep: from its return. */
  readonly returned: { readonly order: string; readonly ms: number }[];
}

const transfer = z.object({ kind: z.string(), count: z.coerce.number() });
const count = z.object({ count: z.coerce.number() });
const failureClass = z.object({ failure_class: z.string() });
const classes: ReadonlySet<string> = new Set(failureClasses);

/** Everything that one order of a play may be blamed for. */
export async function complaintsOf(
  play: Play,
  order: SystemOrder,
  workload: Workload,
  end: End,
  references: readonly Reference[],
): Promise<Complaint[]> {
  const { lane } = play;
  const seen = await look(lane, order.id);
  const found: Complaint[] = [];
  const complain = (wrong: Wrong, what: string): void => void found.push({ wrong, what: `${order.id}: ${what}` });

  const settlements = await lane.rows(
    `select kind, count(*) from ledger.transfers where order_id = $1 and kind in ('capture', 'release') group by 1`,
    [order.id],
    transfer,
  );
  const settled = settlements.reduce((sum, one) => sum + one.count, 0);
  if (settled > 1) complain('doubled', `settled ${settled} times`);
  if (settled === 0) complain('lost', 'never settled by a transfer');
  const kind = seen.hold === 'captured' ? 'capture' : 'release';
  if (settled === 1 && settlements[0]?.kind !== kind)
    complain('violations', `${seen.hold}, but the transfer is a ${settlements[0]?.kind}`);

  const unnamed = await lane.rows(
    'select failure_class from ledger.attempts where order_id = $1 and failure_class is not null',
    [order.id],
    failureClass,
  );
  for (const { failure_class: name } of unnamed) {
    if (!classes.has(name)) complain('violations', `an attempt failed with "${name}", which no table of errors knows`);
  }
  if (seen.reason === null || !isEndReason(seen.reason)) complain('violations', `ended with the reason ${seen.reason}`);

  const tasks = await tasksOf(play, order);
  const failed = tasks.filter(({ state }) => state === 'fail').length;
  if (tasks.length > 1 + failed) complain('doubled', `${tasks.length} tasks at the provider, ${failed} of them failed`);

  const everShown = await messagesWithVideo(play, order);
  if (everShown.size > 1) complain('doubled', `${everShown.size} messages of the chat hold or held the video`);
  if (seen.hold === 'released' && everShown.size > 0) complain('lost', 'released, and the video was shown');
  if (seen.hold === 'captured' && everShown.size === 0) {
    const [kept] = await lane.rows(
      `select count(*) from ledger.attempts where order_id = $1 and state = 'succeeded' and video_key is not null`,
      [order.id],
      count,
    );
    if (kept?.count !== 1 || !['waiting', 'uncertain'].includes(seen.delivery)) {
      complain('lost', `captured, and the video was neither shown nor kept (delivery ${seen.delivery})`);
    }
  }
  found.push(...compared(order, end, workload, references));
  return found;
}

/** The end equals that of the run without faults, or is one that this workload may come to when its parts are struck. */
function compared(order: SystemOrder, end: End, workload: Workload, references: readonly Reference[]): Complaint[] {
  const wanted = references.find(({ hold }) => hold === end.hold);
  if (wanted !== undefined) {
    return isLike(end, wanted)
      ? []
      : [
          {
            wrong: 'violations',
            what: `${order.id}: ended otherwise than without faults: ${JSON.stringify(end)} instead of ${JSON.stringify(wanted)}`,
          },
        ];
  }
  const [hold = '', reason = ''] = end.hold.split(' ');
  if (!(workload.mayEnd ?? []).concat(unknownEnd).includes(end.hold)) {
    return [{ wrong: 'violations', what: `${order.id}: ended as ${end.hold}, which "${workload.name}" never does` }];
  }
  const found: Complaint[] = [];
  const told = hold === 'captured' ? 'delivered' : 'failed';
  if (!end.told.includes(told))
    found.push({ wrong: 'lost', what: `${order.id}: ${end.hold}, and the person was not told` });
  if (end.finished !== reason && end.finished !== 'gone') {
    found.push({ wrong: 'violations', what: `${order.id}: the hold says ${reason}, Finished says ${end.finished}` });
  }
  return found;
}

/** Where nobody can know what became of a submit, any order ends so at its clock. */
export const unknownEnd = 'released ProviderOutcomeUnknown';

/** What people were promised has come true. */
export async function brokenPromises(play: Play): Promise<Complaint[]> {
  const found: Complaint[] = [];
  for (const nonce of play.nonces) {
    const [groups] = await play.lane.rows('select count(*) from ledger.order_groups where nonce = $1', [nonce], count);
    if (groups?.count !== 1)
      found.push({ wrong: groups?.count === 0 ? 'lost' : 'doubled', what: `tap ${nonce}: ${groups?.count} groups` });
  }
  for (const { what, key, text } of play.acknowledged) {
    if (what !== 'cancel' || text !== en.toast.cancelled) continue;
    const seen = await look(play.lane, key);
    if (seen.hold !== 'released')
      found.push({ wrong: 'lost', what: `${key}: "${text}" was answered, and the order is ${seen.hold}` });
  }
  found.push(...(await lostPayments(play)));
  return found;
}

const violation = z.looseObject({ invariant: z.string(), subject: z.string().nullable() });
const sums = z.object({ held_by_people: z.coerce.number(), moved_to_people: z.coerce.number() });

/** The books as a whole: every rule of the audit view, and the money equation added up anew from the transfers alone. */
export async function unsoundBooks(lane: Lane): Promise<Complaint[]> {
  const rows = await lane.rows('select * from ledger.violations', [], violation);
  const found: Complaint[] = rows.map((row) => ({ wrong: 'violations', what: JSON.stringify(row) }));
  const [sum] = await lane.rows(equation, [], sums);
  if (sum !== undefined && sum.held_by_people !== sum.moved_to_people) {
    found.push({
      wrong: 'lost',
      what: `people have ${sum.held_by_people}, and ${sum.moved_to_people} was moved to them`,
    });
  }
  return found;
}

const equation = `
  select
    (select coalesce(sum(case when account_id like '%/debt' then -balance else balance end), 0)
     from ledger.accounts where account_id like 'user/%') as held_by_people,
    (select coalesce(sum(case when debit like 'user/%' then 0 else amount end), 0)
          - coalesce(sum(case when credit like 'user/%' then 0 else amount end), 0)
     from ledger.transfers) as moved_to_people`;

const keptAt = z.object({ settled_at: z.date().nullable(), placed_at: z.date() });

/** When the cause of an order's end could be seen outside, and how much later it was settled. */
export async function latenciesOf(play: Play, order: SystemOrder, into: Latencies): Promise<void> {
  const [row] = await play.lane.rows(
    'select settled_at, placed_at from ledger.orders join ledger.holds using (order_id) where order_id = $1',
    [order.id],
    keptAt,
  );
  if (row === undefined) return;
  const created = play.lane.posts.get(order.id)?.created;
  // A clock that was let run out has moved the books, so there is nothing to measure from.
  if (created !== undefined && !play.isTimeMoved && play.causes.get(order.id)?.what !== 'clock') {
    const placed = row.placed_at.getTime();
    const waited = Math.max(play.backAt, play.wokeAt) > placed;
    const since = waited ? Math.min(created, Math.max(play.backAt, play.wokeAt)) : placed;
    (waited ? into.returned : into.created).push({ order: order.id, ms: Math.max(0, created - since) });
  }
  const cause = await causeOf(play, order);
  if (cause !== undefined && row.settled_at !== null) {
    const since = Math.max(cause.at, play.wokeAt);
    into.settled.push({ order: order.id, cause: cause.what, ms: Math.max(0, row.settled_at.getTime() - since) });
  }
}

async function causeOf(play: Play, order: SystemOrder): Promise<{ what: string; at: number } | undefined> {
  const { lane } = play;
  const { hold } = await look(lane, order.id);
  const given = play.causes.get(order.id);
  if (given !== undefined && hold === 'released') return given;
  if (hold === 'captured') {
    const own = await messagesWithVideo(play, order);
    const shown = (await lane.system.telegramCalls(order, 'editMessageMedia')).find(
      ({ processed, message_id: id }) => processed && id !== undefined && own.has(id),
    );
    return shown === undefined ? given : { what: 'shown', at: Date.parse(shown.time) };
  }
  const ended = (await tasksOf(play, order)).flatMap(({ finishedAt }) => finishedAt ?? []);
  return ended.length === 0 ? undefined : { what: 'task failed', at: Math.max(...ended) };
}
