import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ownNamespace } from '../../dev/demo/cluster.ts';
import { MARK_NAME } from '../../src/audit/mark-store.ts';
import { isCreated, until } from '../support/effects.ts';
import { expectDelivered, expectSoundBooks, paidTasks, settled, settlements } from '../support/outcome.ts';
import { backupCluster, backupDatabase } from '../support/restore.ts';
import { type Confirmation, System, type SystemOrder } from '../support/system.ts';

let system: System;

beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.close());

const mark = z.object({
  state: z.string(),
  cause: z.string().nullable(),
  epoch: z.coerce.number(),
  confirmed: z.coerce.number(),
});
const manifest = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string(), creationTimestamp: z.string() }),
});
const count = z.object({ n: z.coerce.number() });

async function marks(): Promise<z.infer<typeof mark>> {
  const [row] = await system.rows('select state, cause, epoch, confirmed from ledger.restore_marks', [], mark);
  if (row === undefined) throw new Error('there are no marks');
  return row;
}

/** A fresh leader audits at once, and leaves a mark on both sides. */
async function anotherMark(): Promise<void> {
  const { confirmed } = await marks();
  await system.stack.stopPart('controller');
  await system.stack.startPart('controller');
  await until('another mark on both sides', async () => (await marks()).confirmed > confirmed);
}

async function untilAuditMode(cause: string): Promise<void> {
  await until('audit mode', async () => (await marks()).state === 'audit');
  expect((await marks()).cause).toBe(cause);
}

/** Everything that would show that something went on. */
async function effects(): Promise<unknown> {
  const counts = await Promise.all(
    [
      'select count(*) as n from ledger.transfers',
      'select count(*) as n from ledger.orders where claimed_by is not null',
      `select count(*) as n from ledger.holds where state <> 'held'`,
      'select count(*) as n from ledger.submit_nonces where attempt_id is not null',
      'select count(*) as n from ledger.executions',
    ].map((sql) => system.rows(sql, [], count)),
  );
  const { text } = await system.kubectl(['get', 'videojobs', '-o', 'name']);
  return {
    counts,
    tasks: (await system.kieCalls('createTask')).length,
    videoJobs: text.split('\n').sort(),
    refused: (await system.kubectl(['get', 'events', '--field-selector', 'reason=ClaimRefused', '-o', 'name'])).text,
  };
}

/** Nothing is created, claimed, refused, submitted or settled, though everything runs and has looked several times. */
async function expectStandstill(): Promise<void> {
  const before = await effects();
  // Longer than the relay, the sweeps and the backoff of a pod's calls wait.
  const looked = Date.now() + 12_000;
  await until('everybody to have looked', async () => Date.now() > looked);
  expect(await effects()).toEqual(before);
}

/** The operator's command, whose exit code says whether both sides agree. */
async function audit(...options: string[]): Promise<{ code: number; text: string }> {
  try {
    return { code: 0, text: await system.admin('audit', ...options) };
  } catch (error) {
    const failed = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error);
    return { code: failed.code, text: failed.stdout + failed.stderr };
  }
}

async function resolve(): Promise<string> {
  const { epoch } = await marks();
  const rehearsed = await audit('--resolve', '--dry-run');
  expect(rehearsed).toMatchObject({ code: 0, text: expect.stringContaining('Nothing was changed') });
  expect((await marks()).state).toBe('audit');
  const { code, text } = await audit('--resolve', '--reason', 'a drill');
  expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining(`epoch ${epoch + 1} begins`) });
  await until('the marks of the new epoch', async () => (await marks()).state === 'marking');
  return text;
}

/** Seconds that a task takes from now on. */
async function renderSeconds(seconds: number): Promise<void> {
  const response = await fetch(`${system.stack.endpoints().kie}/dev/behaviour`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seconds }),
  });
  expect(response.ok).toBe(true);
}

/** Places the order and waits until its task was made; it takes longer than the disaster. */
async function underWay(confirmation: Confirmation): Promise<SystemOrder> {
  await renderSeconds(45);
  const order = await confirmation.tap();
  await until(`the task of ${order.id}`, () => isCreated(system, order));
  await until(`the task of ${order.id} in its status`, async () => {
    return (await system.videoJob(order))?.status.providerTaskID !== undefined;
  });
  await renderSeconds(2);
  return order;
}

async function delivered(confirmation: Confirmation): Promise<SystemOrder> {
  const order = await confirmation.tap();
  await expectDelivered(system, order);
  return order;
}

/** It ends with its video, and its task was paid for once, at the provider's own record. */
async function expectPaidOnceAndShown(...orders: SystemOrder[]): Promise<void> {
  for (const order of orders) {
    expect(await settled(system, order), order.id).toEqual({ state: 'captured', reason: 'VideoDelivered' });
    expect(await settlements(system, order), order.id).toEqual([{ kind: 'capture', amount: 1 }]);
    expect(await paidTasks(system, order), order.id).toBe(1);
  }
  await expectSoundBooks(system);
}

describe('a restore that nobody declared', () => {
  test('PostgreSQL older than etcd: orders of the forgotten time are found, and none is paid for twice', async () => {
    const [first, second, third] = await Promise.all([
      system.confirmation(),
      system.confirmation(),
      system.confirmation(),
    ]);
    const before = await underWay(first);
    const backup = await backupDatabase(system);
    const ended = await delivered(second);
    const running = await underWay(third);
    const stranger = await delivered(await system.confirmation());
    await anotherMark();
    await backup.putBack();
    await untilAuditMode('database-forgot');
    await expectStandstill();

    const listed = await audit();
    expect(listed).toMatchObject({ code: 1, text: expect.stringContaining('AUDIT MODE') });
    for (const { id } of [ended, running, stranger]) expect(listed.text).toMatch(new RegExp(`order-forgotten +${id}`));

    const text = await resolve();
    expect(text).toMatch(new RegExp(`${ended.id} .*: rebuilt, settled`));
    expect(text).toMatch(new RegExp(`${running.id} .*: rebuilt, adopted`));
    expect(text).toMatch(new RegExp(`${stranger.id} .*: refused \\(its person is not in the books\\)`));
    await expectPaidOnceAndShown(before, ended, running);
    // Nobody is reached for an order whose person was forgotten too; its object is refused once a person knows.
    expect(
      await system.rows('select order_id from ledger.orders where order_id = $1', [stranger.id], z.unknown()),
    ).toEqual([]);
    await expectDelivered(system, await system.order());
    expect(await audit()).toMatchObject({ text: expect.stringContaining('no audit mode') });
  });

  test('etcd older than PostgreSQL: what vanished is posted again and adopts its task, what came back changes nothing', {
    timeout: 400_000,
  }, async () => {
    const [first, second, third, fourth] = await Promise.all([1, 2, 3, 4].map(() => system.confirmation()));
    if (first === undefined || second === undefined || third === undefined || fourth === undefined)
      throw new Error('four');
    const zombie = await delivered(first);
    const before = await underWay(second);
    const backup = await backupCluster(system);
    expect(await system.kubectl(['delete', 'videojob', zombie.name])).toMatchObject({ code: 0 });
    const vanished = await underWay(third);
    const ended = await delivered(fourth);
    await anotherMark();
    await backup.putBack();
    await untilAuditMode('cluster-forgot');
    await expectStandstill();

    const listed = await audit();
    expect(listed.code).toBe(1);
    expect(listed.text).toMatch(new RegExp(`order-without-object +${vanished.id}`));
    expect(await resolve()).toMatch(new RegExp(`${vanished.id} .*: reclaimed`));
    await expectPaidOnceAndShown(before, vanished, ended, zombie);
    await expectDelivered(system, await system.order());
  });

  test('objects restored with new UIDs: each is claimed again, adopts its task, and the old UID never comes back', async () => {
    const order = await underWay(await system.confirmation());
    const own = ['-n', ownNamespace];
    const oldMark = await system.kubectl([...own, 'get', 'configmap', MARK_NAME, '-o', 'json']);
    await anotherMark();
    await system.stack.stopPart('controller');
    const saved = await system.kubectl(['get', 'videojob', order.name, '-o', 'json']);
    const former = manifest.parse(JSON.parse(saved.text));
    const noFinalizer = JSON.stringify({ metadata: { finalizers: null } });
    expect(await system.kubectl(['patch', 'videojob', order.name, '--type=merge', '-p', noFinalizer])).toMatchObject({
      code: 0,
    });
    expect(await system.kubectl(['delete', 'videojob', order.name])).toMatchObject({ code: 0 });
    for (const [text, more] of [
      [saved.text, []],
      [oldMark.text, own],
    ] as const) {
      const { metadata, ...object } = manifest.parse(JSON.parse(text));
      const { uid: _uid, resourceVersion: _version, creationTimestamp: _created, ...kept } = metadata;
      await system.kubectl([...more, 'delete', 'configmap', MARK_NAME, '--ignore-not-found']);
      expect(
        await system.kubectl([...more, 'create', '-f', '-'], JSON.stringify({ ...object, metadata: kept })),
      ).toMatchObject({ code: 0 });
    }
    await system.stack.startPart('controller');
    await untilAuditMode('cluster-forgot');
    await expectStandstill();

    const listed = await audit();
    expect(listed.text).toMatch(new RegExp(`order-without-object +${order.id} .*another VideoJob`));
    expect(await resolve()).toMatch(new RegExp(`${order.id} .*: reclaimed`));
    await expectPaidOnceAndShown(order);
    const [claim] = await system.rows(
      'select claimed_by, generation, former_uid from ledger.orders join ledger.reclaims using (order_id) where order_id = $1',
      [order.id],
      z.object({ claimed_by: z.string(), generation: z.number(), former_uid: z.string() }),
    );
    expect(claim).toEqual({
      claimed_by: (await system.videoJob(order))?.metadata.uid,
      generation: 1,
      former_uid: former.metadata.uid,
    });
    const again = await system.rows(
      'select ledger.claim($1, $2, spec_hash) as answer from ledger.orders where order_id = $1',
      [order.id, former.metadata.uid],
      z.object({ answer: z.looseObject({ answer: z.string() }) }),
    );
    expect(again).toMatchObject([{ answer: { answer: 'refused', reason: 'OtherClaimant' } }]);
  });
});
