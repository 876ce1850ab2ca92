import { z } from 'zod';
import { findCondition } from '../../../src/videojob/conditions.ts';
import type { SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Play } from './play.ts';
import { type Look, look } from './watch-order.ts';
import type { Workload } from './workloads.ts';

/** How one order ended, for everybody who can see it: books, object, children, person. Without names, numbers and times. */
export interface End {
  readonly hold: string;
  /** The reason of `Finished`, or `gone` for an object that was deleted. */
  readonly finished: string;
  readonly delivery: string;
  /** Stages that a Job was made for. */
  readonly stages: readonly string[];
  /** Kinds of notices that reached the person. */
  readonly told: readonly string[];
  /** What stands in the chat in the end. */
  readonly chat: readonly string[];
  /** Kinds of notices of which nobody knows whether they reached the person; a new message is then not sent again. */
  readonly unsure: readonly string[];
}

/** What an end is compared with, as far as it can be. */
export type Reference = Omit<End, 'told' | 'chat' | 'unsure'> & Partial<Pick<End, 'told' | 'chat'>>;

/** After the last thing that struck it, an order may take so long. */
const withinMs = 150_000;
const clockSeconds = 1_900;

/** An order that is not over long after it should be. */
export class StuckError extends Error {
  readonly reason = 'Stuck';
}

/** Waits until every order of the play is settled, its object says so, and its people are told. */
export async function untilOver(play: Play, workload: Workload, mayRunOut: MayRunOut = () => false): Promise<void> {
  for (const order of play.orders) {
    await settledOrder(play, order, workload, mayRunOut);
    await workload.after?.(play, order);
    await restOver(play, order, workload);
  }
}

/** Whether nobody but the clock can end an order that has stood like this for so long. */
export type MayRunOut = (order: SystemOrder, seen: Look, stoodMs: number) => Promise<boolean> | boolean;

async function settledOrder(play: Play, order: SystemOrder, workload: Workload, mayRunOut: MayRunOut): Promise<void> {
  let stands = '';
  let since = 0;
  await over(play, order, 'its settlement', async () => {
    const seen = await look(play.lane, order.id);
    if (seen.hold !== 'held') return true;
    const now = JSON.stringify([seen.attempt, seen.delivery, seen.executions_open]);
    if (now !== stands) [stands, since] = [now, performance.now()];
    const stood = performance.now() - since;
    const clockEnds = workload.clockEnds?.includes(seen.attempt) === true;
    if (stood > quietMs && (clockEnds || (await mayRunOut(order, seen, stood)))) {
      await play.lane.pass(order.id, clockSeconds);
      play.caused(order, 'clock');
    }
    return false;
  });
}

/** How long an order must have stood still before its clock is let run out. */
const quietMs = 2_000;

async function restOver(play: Play, order: SystemOrder, { after }: Workload): Promise<void> {
  await over(play, order, 'its object, its notices and its showing', async () => {
    const seen = await look(play.lane, order.id);
    const videoJob = await play.lane.system.videoJob(order);
    const isFinished =
      videoJob === undefined || findCondition(videoJob.status.conditions, 'Finished')?.status === 'True';
    const isDeleting = videoJob?.metadata.deletionTimestamp !== undefined;
    const isShown = seen.delivery !== 'waiting' || (seen.reason !== 'Deleted' && after === undefined);
    return isFinished && !isDeleting && isShown && seen.notices_open === 0;
  });
  await over(play, order, 'the end of its tasks', async () =>
    (await play.lane.system.tasks(order)).every(
      ({ finishedAt, prompt }) => finishedAt !== undefined || prompt.includes('stuck'),
    ),
  );
}

async function over(play: Play, order: SystemOrder, what: string, there: () => Promise<boolean>): Promise<void> {
  try {
    await waitFor(there, { what: `${what} (${order.id})`, within: withinMs + play.patienceMs, every: 150 });
  } catch (cause) {
    const shown = await play.lane.system.admin('order', 'show', order.id).catch(() => 'it could not be shown');
    throw new StuckError(`${order.id} waits in vain for ${what}:\n${shown}`, { cause });
  }
}

const told = z.object({ kind: z.string(), ending: z.string() });
const stage = z.object({ stage: z.string() });

export async function endOf(play: Play, order: SystemOrder): Promise<End> {
  const { lane } = play;
  const seen = await look(lane, order.id);
  const videoJob = await lane.system.videoJob(order);
  const stages = await lane.rows(
    'select distinct stage from ledger.executions where order_id = $1 order by 1',
    [order.id],
    stage,
  );
  const notices = await lane.rows(
    `select distinct kind, ending from ledger.notices
     where order_id = any ($1) and kind not in ('progress', 'slow') and ending in ('sent', 'unknown') order by 1`,
    // What is said of a group is said of any of its orders: of the first that is shown, of the one that is last.
    [play.groupOf(order).orders.map(({ id }) => id)],
    told,
  );
  const screen = play.screens.get(order.id) ?? 0;
  // A progress message that a struck bot sent, and could not write down, stays behind: another one is the order's.
  const isLeftBehind = (text = ''): boolean =>
    play.mayRepeatWords && /^Video \d of \d\. (Order accepted|In the queue|Preparing|Making)/.test(text);
  const messages = (await order.customer.messages()).filter(
    ({ from, message_id: id, text }) =>
      from === 'bot' && id >= screen && text?.includes('longer than usual') !== true && !isLeftBehind(text),
  );
  return {
    hold: `${seen.hold} ${seen.reason}`,
    finished:
      videoJob === undefined ? 'gone' : (findCondition(videoJob.status.conditions, 'Finished')?.reason ?? 'none'),
    delivery: seen.delivery,
    stages: stages.map((one) => one.stage),
    told: [...new Set(notices.map(({ kind }) => kind))],
    chat: [
      ...new Set(messages.map(({ text, caption, video }) => `${video ? 'video: ' : ''}${firstLine(text ?? caption)}`)),
    ].sort(),
    unsure: notices.filter(({ ending }) => ending === 'unknown').map(({ kind }) => kind),
  };
}

/**
 * The references that the orders of one tap are compared with. What is said of a group depends on how each of it ended: where one ended
 * otherwise, each is compared without the words.
 */
export function comparable(ends: readonly End[], references: readonly End[]): Reference[] {
  const holds = (all: readonly End[]): string =>
    all
      .map(({ hold }) => hold)
      .sort()
      .join();
  const isWhole = ends.length === 1 || holds(ends) === holds(references);
  return references.map(({ hold, finished, delivery, stages, told, chat }) => ({
    ...{ hold, finished, delivery, stages },
    ...(isWhole ? { told, chat } : {}),
  }));
}

/** Whether an end equals its reference as far as that goes. A message whose fate nobody knows may be missing. */
export function isLike({ told, chat, unsure, ...facts }: End, reference: Reference): boolean {
  const { told: wantedTold = told, chat: wantedChat = chat, ...wanted } = reference;
  const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
  const isShown = (line: string): boolean => line.startsWith('video: ');
  const isChatLike =
    unsure.length === 0
      ? isSame(chat, wantedChat)
      : chat.every((line) => wantedChat.includes(line)) && isSame(chat.filter(isShown), wantedChat.filter(isShown));
  return isSame(facts, wanted) && isSame(told, wantedTold) && isChatLike;
}

/** The beginning of a message without its numbers and order ids. */
function firstLine(text = ''): string {
  return (text.split('\n')[0] ?? '')
    .replaceAll(/\b[a-z2-7]{12}\b/g, 'ID')
    .replaceAll(/\d+/g, 'N')
    .slice(0, 80);
}
