import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findCondition } from '../../src/videojob/conditions.ts';
import { parseVideoJobManifest } from '../../src/videojob/parse.ts';
import type { VideoJobManifest } from '../../src/videojob/schema.ts';
import { computeSpecHash } from '../../src/videojob/spec-hash.ts';
import { isCreated, isEditing, until } from '../support/effects.ts';
import {
  attempts,
  expectDelivered,
  expectReturned,
  expectSoundBooks,
  finished,
  paidTasks,
  settled,
  settlements,
  videosOf,
} from '../support/outcome.ts';
import { System, type SystemOrder } from '../support/system.ts';
import { aVideoJob } from '../support/videojob.ts';

let system: System;

beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.close());

const create = (manifest: unknown) => system.kubectl(['create', '-f', '-'], JSON.stringify(manifest));

async function change(order: SystemOrder, spec: object): Promise<void> {
  const patched = await system.kubectl([
    'patch',
    'videojob',
    order.name,
    '--type=merge',
    '-p',
    JSON.stringify({ spec }),
  ]);
  expect(patched, order.id).toMatchObject({ code: 0 });
}

/** Deletes as an operator does; it completes within 60 s in every state. */
async function remove(order: Pick<SystemOrder, 'name'>): Promise<void> {
  const deleted = await system.kubectl(['delete', 'videojob', order.name, '--timeout=60s']);
  expect(deleted, order.name).toEqual({ code: 0, text: expect.stringContaining('deleted') });
  expect(await system.videoJob(order)).toBeUndefined();
}

async function reasonOf(order: SystemOrder, type: 'Generated' | 'Delivered' | 'Finished'): Promise<string | undefined> {
  return findCondition((await system.videoJob(order))?.status.conditions, type)?.reason;
}

function untilReason(order: SystemOrder, type: 'Generated' | 'Delivered' | 'Finished', reason: string): Promise<void> {
  return until(`${type} of ${order.name} to be ${reason}`, async () => (await reasonOf(order, type)) === reason);
}

async function deliveryOf(order: SystemOrder): Promise<string | undefined> {
  const row = z.object({ state: z.string() });
  return (await system.rows('select state from ledger.deliveries where order_id = $1', [order.id], row))[0]?.state;
}

/** A stored video whose VideoJob was deleted is paid for, and shown once by the bot. */
async function expectKeptAndShown(order: SystemOrder): Promise<void> {
  expect(await settled(system, order)).toEqual({ state: 'captured', reason: 'Deleted' });
  await until(`the video of ${order.id} shown`, async () => (await deliveryOf(order)) === 'shown');
  expect(await settlements(system, order)).toEqual([{ kind: 'capture', amount: 1 }]);
  expect(await paidTasks(system, order)).toBe(1);
  expect(await videosOf(system, order)).toBe(1);
  await expectSoundBooks(system);
}

/** Everything the ledger knows of an order, but for the clockwork of the relay. */
async function bookOf(orderId: string): Promise<unknown> {
  const sql = `select
    (select to_jsonb(orders) - array['relay_tries', 'relay_due_at', 'looked_at'] from ledger.orders where order_id = $1) as order,
    (select to_jsonb(holds) from ledger.holds where order_id = $1) as hold,
    (select count(*)::int from ledger.transfers where order_id = $1) as transfers,
    (select count(*)::int from ledger.executions where order_id = $1) as executions,
    (select count(*)::int from ledger.attempts where order_id = $1) as attempts,
    (select count(*)::int from ledger.notices where order_id = $1) as notices`;
  return system.rows(sql, [orderId], z.unknown());
}

async function refusals(name: string): Promise<number> {
  const { text } = await system.kubectl([
    'get',
    'events',
    '-o',
    'name',
    '--field-selector',
    `involvedObject.name=${name},reason=ClaimRefused`,
  ]);
  return text.split('\n').filter((line) => line.startsWith('event/')).length;
}

async function jobsOf(orderId: string): Promise<string> {
  return (await system.kubectl(['get', 'jobs', '-o', 'name', '-l', `neurocards.io/order=${orderId}`])).text.trim();
}

describe('a VideoJob that nobody ordered', () => {
  test('is refused readably by the API server when it is invalid', async () => {
    const manifest = aVideoJob();
    const { input: _, ...spec } = manifest.spec;
    const incomplete = await create({ ...manifest, spec });
    expect(incomplete.code).toBe(1);
    expect(incomplete.text).toMatch(/The VideoJob .* is invalid:\s+.*spec\.input: Required value/);
    const misnamed = await create({ ...manifest, metadata: { ...manifest.metadata, name: 'vj-somethingelse' } });
    expect(misnamed.code).toBe(1);
    expect(misnamed.text).toMatch(/is invalid:\s.*name/);
  });

  test('ends as ClaimRefused: no ledger write, no Job, no paid call', async () => {
    const manifest = aVideoJob();
    const { id } = manifest.spec.order;
    const before = (await system.kieCalls('createTask')).length;
    expect(await create(manifest)).toMatchObject({ code: 0 });
    const name = manifest.metadata.name;
    await until(
      'Finished',
      async () => findCondition((await system.videoJob({ name }))?.status.conditions, 'Finished')?.status === 'True',
    );
    const conditions = (await system.videoJob({ name }))?.status.conditions;
    expect(findCondition(conditions, 'Finished')).toMatchObject({ reason: 'ClaimRefused' });
    expect(findCondition(conditions, 'CreditsSettled')).toMatchObject({ reason: 'NoHold' });
    await until('the event', async () => (await refusals(name)) === 1);
    expect(await bookOf(id)).toEqual([
      { order: null, hold: null, transfers: 0, executions: 0, attempts: 0, notices: 0 },
    ]);
    expect(await jobsOf(id)).toBe('');
    expect((await system.kieCalls('createTask')).length).toBe(before);
    await remove({ name });
  });

  test('and squats on the name of an unclaimed order is refused and goes, cancelled or being deleted too; the true order completes', async () => {
    const confirmations = await Promise.all([1, 2, 3].map(() => system.confirmation()));
    // The relay is kept from these orders, so that somebody else is first.
    await system.rows(`alter table ledger.orders alter column relay_due_at set default 'infinity'`, [], z.unknown());
    const orders = await Promise.all(confirmations.map((one) => one.tap()));
    await system.rows(
      'alter table ledger.orders alter column relay_due_at set default clock_timestamp()',
      [],
      z.unknown(),
    );
    const before = await Promise.all(orders.map(({ id }) => bookOf(id)));

    const [controller] = system.stack.endpoints().processes['controller'] ?? [];
    if (controller === undefined) throw new Error('no controller runs');
    // All three are there, and one of them is being deleted, before the controller sees any.
    process.kill(controller.pid, 'SIGSTOP');
    const squats = await Promise.all(orders.map((order, index) => altered(order.id, index === 1).then(create)));
    expect(squats.map(({ code }) => code)).toEqual([0, 0, 0]);
    await system.kubectl(['delete', 'videojob', orders[2]?.name ?? '', '--wait=false']);
    process.kill(controller.pid, 'SIGCONT');

    for (const order of orders) {
      await until(`${order.name} refused`, async () => (await refusals(order.name)) === 1);
      await until(`${order.name} gone`, async () => (await system.videoJob(order)) === undefined);
      expect(await jobsOf(order.id)).toBe('');
      expect(await system.tasks(order)).toEqual([]);
    }
    expect(await Promise.all(orders.map(({ id }) => bookOf(id)))).toEqual(before);

    await system.rows(
      'update ledger.orders set relay_due_at = clock_timestamp() where claimed_by is null',
      [],
      z.unknown(),
    );
    for (const order of orders) await expectDelivered(system, order);

    async function altered(id: string, cancel: boolean): Promise<VideoJobManifest> {
      const row = z.object({ video_job: z.string() });
      const [found] = await system.rows('select video_job from ledger.orders where order_id = $1', [id], row);
      const truth = parseVideoJobManifest(JSON.parse(found?.video_job ?? '{}'));
      const spec = {
        ...truth.spec,
        generation: { ...truth.spec.generation, seconds: 9 },
        ...(cancel ? { cancel } : {}),
      };
      return { ...truth, spec: { ...spec, order: { ...spec.order, specHash: computeSpecHash(spec) } } };
    }
  });
});

describe('while orders wait for admission', () => {
  let deleted: SystemOrder;
  let cancelled: SystemOrder;
  let suspended: SystemOrder;
  let resumed: SystemOrder;
  let witness: SystemOrder;

  beforeAll(async () => {
    await system.setting('live_attempt_limit', 0);
    const order = () => system.order();
    const orders = await Promise.all([order(), order(), order(), order(), order()]);
    [deleted, cancelled, suspended, resumed, witness] = orders;
    for (const order of orders) await untilReason(order, 'Finished', 'WaitingForCapacity');
  });
  afterAll(() => system.setting('live_attempt_limit', 20));

  test.concurrent('deleting one gives its credits back', async () => {
    await remove(deleted);
    await expectReturned(system, deleted, 'Deleted', { atMost: 0 });
  });

  test.concurrent('spec.cancel by kubectl gives its credits back', async () => {
    await change(cancelled, { cancel: true });
    await expectReturned(system, cancelled, 'Cancelled', { atMost: 0 });
    expect(await finished(system, cancelled)).toEqual({ finished: 'Cancelled', credits: 'CreditsRefunded' });
  });

  test.concurrent('deleting a suspended one gives its credits back', async () => {
    await change(suspended, { suspend: true });
    await untilReason(suspended, 'Finished', 'Suspended');
    await remove(suspended);
    await expectReturned(system, suspended, 'Deleted', { atMost: 0 });
  });

  test.concurrent('a suspended one is passed over until it is resumed, and then completes', async () => {
    await change(resumed, { suspend: true });
    await untilReason(resumed, 'Finished', 'Suspended');
    await system.setting('live_attempt_limit', 20);
    await expectDelivered(system, witness);
    expect(await attempts(system, resumed)).toEqual([]);
    await change(resumed, { suspend: false });
    await expectDelivered(system, resumed);
  });
});

describe('while orders are generated and delivered', () => {
  test.concurrent('deleting one before anything was sent gives its credits back, and no task is made', async () => {
    const order = await system.order('refuse-402');
    await until(
      'a refusal',
      async () => (await attempts(system, order))[0]?.state === 'ready' && (await failureOf(order)) !== null,
    );
    await remove(order);
    await expectReturned(system, order, 'Deleted', { atMost: 0 });
  });

  test.concurrent('deleting one over a running task gives its credits back; the task is followed and never shown', async () => {
    const order = await system.order('slow-late-success:15');
    await until('createTask answered', () => isCreated(system, order));
    await until('the task in the books', async () => (await attempts(system, order))[0]?.state === 'accepted');
    await remove(order);
    await expectReturned(system, order, 'Deleted', { atMost: 1 });
    expect(await attempts(system, order)).toEqual([{ state: 'abandoned', task_id: expect.any(String) }]);
    expect(await paidTasks(system, order)).toBe(1);
    await expectReturned(system, order, 'Deleted', { atMost: 1 });
  });

  test.concurrent('deleting one during its edit keeps the video for the person: captured, and shown once', async () => {
    const confirmation = await system.confirmation();
    const { chat } = confirmation.customer;
    await system.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 8, chat });
    const order = await confirmation.tap();
    await until('the edit under way', () => isEditing(system, order));
    await remove(order);
    await expectKeptAndShown(order);
    await until('the end of every edit', async () => !(await isEditing(system, order)));
    await expectKeptAndShown(order);
  });

  test.concurrent('deleting a suspended one with a stored video keeps the video for the person: captured, and shown once', async () => {
    const order = await system.order('slow-late-success:4');
    await suspendBeforeDelivery(order);
    await remove(order);
    await expectKeptAndShown(order);
  });

  test.concurrent('a suspended one finishes its paid stage, waits before delivery, and completes when resumed', async () => {
    const order = await system.order('slow-late-success:4');
    await suspendBeforeDelivery(order);
    expect(await videosOf(system, order)).toBe(0);
    await change(order, { suspend: false });
    await expectDelivered(system, order);
  });

  test.concurrent('spec.cancel over a running task is too late: the order completes', async () => {
    const order = await system.order('slow-late-success:4');
    await until('createTask answered', () => isCreated(system, order));
    await change(order, { cancel: true });
    await expectDelivered(system, order);
  });

  test.concurrent('deleting a finished one changes nothing about money', async () => {
    const order = await system.order();
    await expectDelivered(system, order);
    await remove(order);
    expect(await settlements(system, order)).toEqual([{ kind: 'capture', amount: 1 }]);
    expect(await videosOf(system, order)).toBe(1);
    await expectSoundBooks(system);
  });
});

async function failureOf({ id }: SystemOrder): Promise<string | null> {
  const row = z.object({ failure_class: z.string().nullable() });
  const [found] = await system.rows('select failure_class from ledger.attempts where order_id = $1', [id], row);
  return found?.failure_class ?? null;
}

/** Suspends while the paid task runs; what is paid is finished and stored, and delivery does not begin. */
async function suspendBeforeDelivery(order: SystemOrder): Promise<void> {
  await until('createTask answered', () => isCreated(system, order));
  await change(order, { suspend: true });
  await untilReason(order, 'Delivered', 'Suspended');
  expect(await attempts(system, order)).toMatchObject([{ state: 'succeeded' }]);
}
