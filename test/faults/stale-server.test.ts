import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Verdict } from '../support/effect-board.ts';
import { isCreated, until } from '../support/effects.ts';
import { expectDelivered, expectReturned } from '../support/outcome.ts';
import { type SecondApiServer, startSecondApiServer } from '../support/second-api-server.ts';
import { waitFor } from '../support/wait.ts';
import { Lane } from './schedules/lane.ts';

/*
 * A controller that is started again and reads from an API server which etcd has not told anything for a while: a truly old view, and no
 * event. What it writes goes to the one that knows better, so whatever it does wrongly has its effect.
 */

let lane: Lane;
let second: SecondApiServer;
/** POSTs of Jobs that the API server took, by their names. */
const made: string[] = [];

beforeAll(async () => {
  lane = await Lane.start();
  second = await startSecondApiServer(lane.system);
  lane.gates.board.witness(({ effect, moment, reply }) => {
    if (moment !== 'after' || !/^POST jobs/.test(effect.operation) || !reply.startsWith('201')) return;
    made.push(/vj-[a-z2-7]{12}-(?:gen|dlv)-\d+/.exec(effect.request)?.[0] ?? '');
  });
}, 240_000);
afterAll(async () => {
  await second?.close();
  await lane?.close();
});
afterEach(async () => {
  second.release();
  lane.gates.kube.controller.readFrom(undefined);
});

const knows = async (name: string): Promise<boolean> =>
  (await lane.gates.kube.controller.cacheOf(second.url, 'videojobs')).includes(`"${name}"`);

/** The second server hears nothing from right before this write of the controller on; it knows the VideoJob by then. */
function fallBehindBefore(operation: string, name: () => string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const fall = async (): Promise<Verdict> => {
    await waitFor(() => knows(name()), { what: 'the VideoJob in the memory of the second server', every: 50 });
    second.hold();
    resolve();
    return { kind: 'pass' };
  };
  const remove = lane.gates.board.guard(({ effect, moment }) => {
    if (effect.maker !== 'controller' || effect.operation !== operation || moment !== 'before') return undefined;
    remove();
    return fall();
  });
  return promise;
}

/** Kills the controller; its successor leads at once and reads from the second server. */
async function restartBehind({ cached }: { cached: boolean }): Promise<void> {
  lane.system.stack.kill('controller');
  lane.gates.kube.controller.readFrom({ url: second.url, cached });
  await lane.succeed();
}

/** Long enough for several passes and sweeps, and shorter than the second server notices that etcd does not answer. */
const behindMs = 12_000;

test('makes no second Job for a task that runs, and loses nothing', { timeout: 240_000 }, async () => {
  let name = '';
  const behind = fallBehindBefore('POST jobs gen', () => name);
  const order = await lane.system.order('slow-late-success:10');
  ({ name } = order);
  await behind;
  await until('the task', () => isCreated(lane.system, order));
  await restartBehind({ cached: true });
  await pause(behindMs);
  expect(await knows(name), 'the old view is still shown').toBe(true);
  expect(await lane.gates.kube.controller.cacheOf(second.url, 'jobs')).not.toContain(`${name}-gen-1`);
  second.release();
  lane.gates.kube.controller.readFrom(undefined);
  await expectDelivered(lane.system, order);
  expect(made.filter((job) => job.startsWith(`${name}-gen`))).toEqual([`${name}-gen-1`]);
});

test('does not bring back an order that was deleted and refunded', { timeout: 240_000 }, async () => {
  let name = '';
  const order = await lane.system.order('refuse-402');
  ({ name } = order);
  const refused = await waitFor(
    async () => (await lane.system.kieCalls('createTask')).some(({ outcome }) => outcome.startsWith('code 402')),
    { what: 'a refusal', within: 60_000 },
  );
  expect(refused).toBe(true);
  const behind = fallBehindBefore('PATCH videojobs', () => name);
  await lane.system.kubectl(['delete', 'videojob', name, '--wait=false']);
  await behind;
  await expectReturned(lane.system, order, 'Deleted', { atMost: 0 });
  await waitFor(async () => (await lane.system.videoJob(order)) === undefined, { what: 'the object to be gone' });
  const before = made.length;
  await restartBehind({ cached: true });
  await pause(behindMs);
  expect(await knows(name), 'the old view is still shown').toBe(true);
  await expectReturned(lane.system, order, 'Deleted', { atMost: 0 });
  expect(made.slice(before)).toEqual([]);
});

test('that asks for the newest waits for it, and no order is lost', { timeout: 240_000 }, async () => {
  const running = await lane.system.order('slow-late-success:4');
  await until('the task', () => isCreated(lane.system, running));
  second.hold();
  await restartBehind({ cached: false });
  const placed = await lane.system.order();
  await pause(behindMs);
  expect(
    made.filter((job) => job.startsWith(placed.name)),
    'nothing is decided without a list',
  ).toEqual([]);
  second.release();
  await expectDelivered(lane.system, running);
  await expectDelivered(lane.system, placed);
});
