import { isCreated, isEditing } from '../../support/effects.ts';
import type { Confirmation, SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Strike } from '../crash-table.ts';
import type { Play } from './play.ts';
import { buy, refund, untilBooked } from './purchase.ts';
import { queued, running } from './suspension.ts';
import { look, until } from './watch-order.ts';

/** What people and operators do in one schedule, and how it ends when nothing goes wrong. */
export interface Workload {
  readonly name: string;
  /** Tags in the product text by which the provider plays this order wrong (docs/development/stand-ins.md). */
  readonly tags: readonly string[];
  /** Of this many people, each with an order of their own. */
  readonly people?: number;
  /** Taps on the same button at the same time. */
  readonly taps?: number;
  /** Videos that one tap orders. */
  readonly count?: number;
  /** Before the tap. */
  readonly prepare?: (play: Play, confirmation: Confirmation) => Promise<unknown>;
  /** After the order is in the books. */
  readonly act?: (play: Play, order: SystemOrder) => Promise<unknown>;
  /** Once it is settled. */
  readonly after?: (play: Play, order: SystemOrder) => Promise<unknown>;
  /** No side ever ends it: the bench lets its clock run out once the attempt stands in one of these states. */
  readonly clockEnds?: readonly string[];
  /** It changes what others would see: nothing may be played beside it. */
  readonly alone?: boolean;
  /** Faults that are part of the story, by what the stand-ins and the books say really happened. */
  readonly strikes?: (play: Play) => Promise<Strike[]>;
  /** Other ends it may come to when something is struck, because people and machines then meet in another order. */
  readonly mayEnd?: readonly string[];
}

const longMs = 90_000;

/** Presses Cancel until the order is over, as an impatient person does; gives up where a submit stays without an answer. */
async function cancel(play: Play, order: SystemOrder): Promise<void> {
  await refused(play, order);
  let unanswered = 0;
  await waitFor(
    async () => {
      const { hold, attempt } = await look(play.lane, order.id);
      unanswered = attempt === 'intent' || attempt === 'unknown' ? unanswered + 1 : 0;
      if (hold !== 'held' || unanswered > 5) return true;
      play.caused(order, 'cancelled');
      await play.press(order, 'cancel', 'cancel');
      return (await look(play.lane, order.id)).hold !== 'held';
    },
    { what: `the cancel of ${order.id}`, within: longMs + play.patienceMs, every: 1_000 },
  );
}

/** Waits until the provider has refused the submit for sure once, or nobody can know any more. */
function refused(play: Play, order: SystemOrder): Promise<unknown> {
  return waitFor(
    async () => {
      const { hold, attempt, refusals } = await look(play.lane, order.id);
      return hold !== 'held' || (attempt === 'ready' && refusals) || attempt === 'unknown' || attempt === 'intent';
    },
    { what: `a refusal of ${order.id}`, within: longMs + play.patienceMs, every: 50 },
  );
}

async function remove(play: Play, order: SystemOrder): Promise<void> {
  play.caused(order, 'deleted');
  await waitFor(
    async () =>
      (await play.lane.system.kubectl(['delete', 'videojob', order.name, '--wait=false', '--ignore-not-found']))
        .code === 0,
    { what: `the deletion of ${order.name} to be taken`, within: longMs + play.patienceMs, every: 500 },
  );
}

const slowEdit = async (play: Play, { customer: { chat } }: Pick<SystemOrder, 'customer'>): Promise<unknown> =>
  play.lane.system.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 3, chat });

async function block(
  play: Play,
  { customer: { chat } }: Pick<SystemOrder, 'customer'>,
  blocked: boolean,
): Promise<void> {
  await fetch(`${play.lane.system.stack.endpoints().telegram}/dev/chats/${chat}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ blocked }),
  });
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'happy', tags: [] },
  { name: 'two people, each taps twice', tags: [], people: 2, taps: 2 },
  { name: 'a group of three, tapped twice', tags: [], count: 3, taps: 2 },
  { name: 'a group of five', tags: [], count: 5 },
  { name: 'a group of three, one of which fails', tags: ['fail-once:400:Output video nudity detected'], count: 3 },
  { name: 'provider fails', tags: ['fail:500:Internal Error, Please try again later.'] },
  { name: 'provider refuses the content', tags: ['fail:400:Output video nudity detected'] },
  { name: 'provider refuses once', tags: ['refuse-429:1'] },
  { name: 'answer lost, callback comes', tags: ['accept-then-drop'] },
  { name: 'answer lost, no callback', tags: ['accept-then-drop', 'cb-none'], clockEnds: ['intent', 'unknown'] },
  { name: 'never answers', tags: ['stuck'], clockEnds: ['accepted'] },
  {
    name: 'cancelled',
    tags: ['refuse-402'],
    act: cancel,
    clockEnds: ['intent', 'unknown'],
    mayEnd: ['released ProviderUnavailable'],
  },
  {
    name: 'deleted before anything was sent',
    tags: ['refuse-402'],
    act: async (play, order) => {
      await refused(play, order);
      await remove(play, order);
    },
  },
  {
    name: 'deleted over a running task',
    tags: ['slow-late-success:4'],
    mayEnd: ['captured Deleted', 'captured VideoDelivered'],
    act: async (play, order) => {
      await until(play, order, 'the task', () => isCreated(play.lane.system, order));
      await remove(play, order);
    },
  },
  {
    name: 'suspended in the queue, and resumed',
    tags: [],
    // Nobody is admitted until it is.
    alone: true,
    prepare: queued.prepare,
    act: queued.act,
  },
  {
    name: 'suspended while its task runs, and resumed',
    tags: ['slow-late-success:4'],
    act: running,
  },
  {
    name: 'a payment, and its refund',
    tags: [],
    alone: true,
    act: async (play, order) => {
      const charge = await buy(play, order);
      await untilBooked(play, charge);
      await refund(play, charge);
    },
  },
  {
    name: 'deleted during the edit',
    tags: [],
    mayEnd: ['captured VideoDelivered', 'released Deleted'],
    prepare: slowEdit,
    act: async (play, order) => {
      await until(play, order, 'the edit', () => isEditing(play.lane.system, order));
      await remove(play, order);
    },
  },
  {
    name: 'blocked by the person',
    tags: ['slow-late-success:3'],
    mayEnd: ['captured VideoDelivered'],
    act: (play, order) => block(play, order, true),
    after: async (play, order) => {
      await block(play, order, false);
      const said = await order.customer.say('/start');
      // Answered behind the video: whoever is away comes back to it.
      await order.customer.see(
        'the answer to /start',
        90 + play.patienceMs / 1_000,
        ({ message_id: id, text }) => id > said && text?.includes('One video costs') === true,
      );
    },
  },
];
