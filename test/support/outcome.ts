import { expect } from 'vitest';
import { z } from 'zod';
import { findCondition } from '../../src/videojob/conditions.ts';
import type { System, SystemOrder } from './system.ts';
import { waitFor } from './wait.ts';

const hold = z.object({ state: z.string(), reason: z.string().nullable() });
const settlement = z.object({ kind: z.string(), amount: z.coerce.number() });
const attempt = z.object({ state: z.string(), task_id: z.string().nullable() });
const violation = z.looseObject({ rule: z.string().optional() });

/** How long an order may take after the last thing that struck it. */
const withinMs = 120_000;

/** The hold, once it is settled. */
export function settled(system: System, order: SystemOrder, within = withinMs): Promise<z.infer<typeof hold>> {
  return waitFor(
    async () => {
      const [row] = await system.rows('select state, reason from ledger.holds where order_id = $1', [order.id], hold);
      return row !== undefined && row.state !== 'held' && row;
    },
    { what: `the settlement of ${order.id}`, within, every: 200 },
  ).catch(async (cause: unknown) => {
    throw new Error(`order ${order.id} was not settled:\n${await system.admin('order', 'show', order.id)}`, { cause });
  });
}

/** Waits until the VideoJob says that it is finished, and answers the reason and that of its credits. */
export function finished(system: System, order: SystemOrder): Promise<{ finished: string; credits: string }> {
  return waitFor(
    async () => {
      const conditions = (await system.videoJob(order))?.status.conditions;
      const end = findCondition(conditions, 'Finished');
      const credits = findCondition(conditions, 'CreditsSettled')?.reason ?? 'none';
      return end?.status === 'True' && { finished: end.reason, credits };
    },
    { what: `Finished of ${order.name}`, within: 60_000, every: 200 },
  );
}

/** Different messages of the chat that hold or ever held a video, by the stand-in's own record. */
export async function videosOf(system: System, order: SystemOrder): Promise<number> {
  const shown = (await order.customer.messages()).filter(({ video }) => video !== undefined);
  const edits = (await system.telegramCalls(order, 'editMessageMedia')).filter(
    ({ media, processed }) => processed && media === 'video',
  );
  const everShown = new Set([...shown.map((one) => one.message_id), ...edits.map((one) => one.message_id)]);
  return everShown.size;
}

export async function settlements(system: System, order: SystemOrder): Promise<z.infer<typeof settlement>[]> {
  const sql = `select kind, amount from ledger.transfers where order_id = $1 and kind in ('capture', 'release')`;
  return system.rows(sql, [order.id], settlement);
}

export async function attempts(system: System, order: SystemOrder): Promise<z.infer<typeof attempt>[]> {
  return system.rows('select state, task_id from ledger.attempts where order_id = $1 order by n', [order.id], attempt);
}

/** The rules of the books, all of them, over everything that this stack has done so far. */
export async function expectSoundBooks(system: System): Promise<void> {
  expect(await system.rows('select * from ledger.violations', [], violation)).toEqual([]);
}

/** It completes: one paid task, one video in the chat, one settlement, sound books. */
export async function expectDelivered(system: System, order: SystemOrder): Promise<void> {
  expect(await settled(system, order), order.id).toEqual({ state: 'captured', reason: 'VideoDelivered' });
  expect(await finished(system, order), order.id).toEqual({ finished: 'VideoDelivered', credits: 'CreditsCaptured' });
  expect(await settlements(system, order), order.id).toEqual([{ kind: 'capture', amount: 1 }]);
  expect(await paidTasks(system, order), order.id).toBe(1);
  expect(await videosOf(system, order), order.id).toBe(1);
  await expectSoundBooks(system);
}

/** It ends without a video: the credits are back once, nothing was shown, and at most so many tasks were made. */
export async function expectReturned(
  system: System,
  order: SystemOrder,
  reason: string,
  tasks: { atMost: number },
): Promise<void> {
  expect(await settled(system, order), order.id).toEqual({ state: 'released', reason });
  expect(await settlements(system, order), order.id).toEqual([{ kind: 'release', amount: 1 }]);
  expect((await system.tasks(order)).length, order.id).toBeLessThanOrEqual(tasks.atMost);
  expect(await videosOf(system, order), order.id).toBe(0);
  await expectSoundBooks(system);
}

/** Tasks that the provider charged for, waiting for those that still run. */
export async function paidTasks(system: System, order: SystemOrder): Promise<number> {
  const tasks = await waitFor(
    async () => {
      const found = await system.tasks(order);
      return found.every(({ finishedAt }) => finishedAt !== undefined) && found;
    },
    { what: `the end of every task of ${order.id}` },
  );
  return tasks.filter(({ paid }) => paid).length;
}
