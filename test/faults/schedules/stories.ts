import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { findCondition } from '../../../src/videojob/conditions.ts';
import { childJobName } from '../../../src/videojob/names.ts';
import { isCreated } from '../../support/effects.ts';
import type { SystemOrder } from '../../support/system.ts';
import { aVideoJob } from '../../support/videojob.ts';
import { waitFor } from '../../support/wait.ts';
import type { Fault, Step, Strike } from '../crash-table.ts';
import type { Play } from './play.ts';
import { buy, reconcileNow, untilBooked } from './purchase.ts';
import { look } from './watch-order.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/*
 * What no recording shows: people and providers who do what they should not. Each is a workload that carries its own fault.
 */

const delivered = 'captured VideoDelivered';
const deleted = 'released Deleted';
const bytes = z.object({ video_job: z.string() });

const strike = (step: Step, fault: Fault): Strike[] => [{ step, fault }];

async function callbacksOf(play: Play): Promise<number> {
  const calls = await Promise.all(play.orders.map((order) => play.lane.system.kieCallsOf(order, 'callback')));
  return calls.flat().length;
}

function kubectl(play: Play, args: readonly string[], input?: string): Promise<unknown> {
  return waitFor(async () => (await play.lane.system.kubectl(args, input)).code === 0, {
    what: `kubectl ${args.slice(0, 2).join(' ')}`,
    within: 60_000,
    every: 500,
  });
}

const remove = (play: Play, { name }: { name: string }): Promise<unknown> =>
  kubectl(play, ['delete', 'videojob', name, '--wait=false', '--ignore-not-found']);

const gone = (play: Play, { name }: { name: string }): Promise<unknown> =>
  waitFor(async () => (await play.lane.system.videoJob({ name })) === undefined, {
    what: `${name} to be gone`,
    within: 90_000,
    every: 200,
  });

/** Makes an object by hand, sees its claim refused, and takes it away again. */
async function makeRefused(play: Play, name: string, manifest: string): Promise<void> {
  await kubectl(play, ['create', '-f', '-'], manifest);
  await waitFor(
    async () =>
      findCondition((await play.lane.system.videoJob({ name }))?.status.conditions, 'Finished')?.status === 'True',
    { what: `Finished of ${name}`, within: 60_000, every: 200 },
  );
  await remove(play, { name });
  await gone(play, { name });
}

async function trueBytes(play: Play, { id }: SystemOrder): Promise<string> {
  const [found] = await play.lane.rows('select video_job from ledger.orders where order_id = $1', [id], bytes);
  if (found === undefined) throw new Error(`order ${id} is not in the books`);
  return found.video_job;
}

const created = (play: Play, order: SystemOrder): Promise<unknown> =>
  waitFor(() => isCreated(play.lane.system, order), { what: `the task of ${order.id}`, within: 60_000, every: 50 });

const settled = (play: Play, order: SystemOrder): Promise<unknown> =>
  waitFor(async () => (await look(play.lane, order.id)).hold !== 'held', {
    what: `the settlement of ${order.id}`,
    within: 90_000,
    every: 200,
  });

/** A deletion and the settlement that follows it, and then the very same bytes once more. */
async function postAgain(play: Play, order: SystemOrder): Promise<void> {
  play.caused(order, 'deleted');
  await remove(play, order);
  await settled(play, order);
  await gone(play, order);
  await makeRefused(play, order.name, await trueBytes(play, order));
}

/** Orders whose object was taken away while their credits were held. */
const stripped = new WeakSet<Play>();

async function strip(play: Play, order: SystemOrder): Promise<void> {
  await created(play, order);
  const patch = JSON.stringify({ metadata: { finalizers: [] } });
  await kubectl(play, ['patch', 'videojob', order.name, '--type=merge', '-p', patch]);
  await remove(play, order);
  await gone(play, order);
  if ((await look(play.lane, order.id)).hold === 'held') stripped.add(play);
}

async function deleteWithoutBooks(play: Play, order: SystemOrder): Promise<void> {
  await created(play, order);
  const { stack } = play.lane.system;
  await stack.stopPostgres();
  try {
    await remove(play, order);
    await pause(4_000);
    if ((await play.lane.system.videoJob(order)) === undefined) {
      throw new Error(`${order.name} went away although nobody could settle it`);
    }
  } finally {
    await stack.startPostgres();
  }
  play.caused(order, 'deleted');
}

/** The controller hears nothing of the generation Job until it is gone. */
async function removeJob(play: Play, order: SystemOrder): Promise<void> {
  const job = childJobName(order.name, 'generate', 1);
  const guards = play.lane.gates.kube.controller.watchGuards;
  const deaf = ({ name, type }: { name: string; type: string }) =>
    name === job && type === 'MODIFIED' ? ('swallow' as const) : undefined;
  guards.add(deaf);
  try {
    await waitFor(async () => (await look(play.lane, order.id)).attempt === 'succeeded', {
      what: `the video of ${order.id}`,
      within: 60_000,
      every: 50,
    });
    await kubectl(play, ['delete', 'job', job, '--wait=true', '--ignore-not-found']);
  } finally {
    guards.delete(deaf);
  }
}

export const STORIES: readonly Workload[] = [
  {
    name: 'the callback comes twice',
    tags: ['cb-dup:2'],
    mayEnd: [delivered],
    strikes: async (play) => ((await callbacksOf(play)) > 1 ? strike('callback', 'twice') : []),
  },
  {
    name: 'the callback lies',
    tags: ['cb-forged-body'],
    mayEnd: [delivered],
    strikes: async (play) => ((await callbacksOf(play)) > 0 ? strike('callback', 'forged') : []),
  },
  {
    name: 'the callback never comes',
    tags: ['cb-none'],
    mayEnd: [delivered],
    strikes: async (play) => ((await callbacksOf(play)) === 0 ? strike('callback', 'lost') : []),
  },
  {
    name: 'the provider forgets the task for a while',
    tags: ['unseen:4', 'cb-none'],
    mayEnd: [delivered],
    strikes: async (play) => {
      const calls = await Promise.all(play.orders.map((order) => play.lane.system.kieCallsOf(order, 'recordInfo')));
      return calls.flat().some(({ outcome }) => outcome !== 'ok') ? strike('recordInfo', 'forgotten') : [];
    },
  },
  {
    name: 'made again by hand after it was deleted',
    tags: ['slow-late-success:5'],
    mayEnd: [deleted],
    alone: true,
    act: async (play, order) => {
      await created(play, order);
      await postAgain(play, order);
    },
    strikes: async () => strike('claim', 'recreated'),
  },
  {
    name: 'the POST arrives after everything is over',
    tags: ['refuse-402'],
    mayEnd: [deleted],
    alone: true,
    act: postAgain,
    strikes: async () => strike('relay POST', 'late'),
  },
  {
    name: 'made by hand for no order',
    tags: [],
    mayEnd: [delivered],
    alone: true,
    act: async (play) => {
      const manifest = aVideoJob();
      const before = (await play.lane.system.kieCalls('createTask')).length;
      await makeRefused(play, manifest.metadata.name, JSON.stringify(manifest));
      const after = (await play.lane.system.kieCalls('createTask')).length;
      if (after > before + play.orders.length) throw new Error('an object that nobody ordered was paid for');
    },
    strikes: async () => strike('claim', 'hand-made'),
  },
  {
    name: 'the finalizer is stripped',
    tags: ['stuck'],
    mayEnd: [deleted],
    alone: true,
    act: strip,
    strikes: async (play) => (stripped.has(play) ? strike('finalizer', 'stripped') : []),
  },
  {
    name: 'deleted while PostgreSQL is away',
    tags: ['stuck'],
    mayEnd: [deleted],
    alone: true,
    act: deleteWithoutBooks,
    strikes: async () => strike('finalizer', 'away'),
  },
  {
    name: 'the Job is gone before anybody saw it end',
    tags: [],
    mayEnd: [delivered],
    alone: true,
    act: removeJob,
    strikes: async () => strike('Job end', 'lost'),
  },
  {
    name: 'no update tells of a payment',
    tags: [],
    mayEnd: [delivered],
    alone: true,
    act: async (play, order) => {
      const charge = await buy(play, order, { lose: true });
      await reconcileNow(play);
      await untilBooked(play, charge);
    },
    strikes: async (play) =>
      play.acknowledged.some(({ what }) => what === 'payment') ? strike('payments', 'lost') : [],
  },
  {
    ...(WORKLOADS.find(({ name }) => name === 'deleted during the edit') ?? { tags: [] }),
    name: 'a deletion races the edit',
    mayEnd: ['captured Deleted', delivered, deleted],
    alone: true,
    strikes: async (play) => (play.causes.size > 0 ? strike('close_order', 'raced') : []),
  },
];
