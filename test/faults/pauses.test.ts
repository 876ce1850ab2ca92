import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { isEditing, isInCreateTask, until } from '../support/effects.ts';
import { expectDelivered } from '../support/outcome.ts';
import { System, type SystemOrder } from '../support/system.ts';

/** Longer than any lease lives. */
const pauseMs = 62_000;

let system: System;
let uploading: SystemOrder;
let submitting: SystemOrder;
let showing: SystemOrder;
let telling: SystemOrder;

// Each process is stopped at its effect, and all of them sleep at the same time.
beforeAll(async () => {
  system = await System.start();
  await system.kieFault({ method: 'upload', fault: 'slow', seconds: 5 });
  uploading = await system.order();
  await until('the upload under way', async () =>
    (await system.kieCalls('upload')).some(({ outcome }) => outcome === 'pending'),
  );
  const sleeping = [paused(await system.runner(uploading, 'gen'))];

  submitting = await system.order('accept-then-slow:5');
  await until('createTask under way', () => isInCreateTask(system, submitting));
  sleeping.push(paused(await system.runner(submitting, 'gen')));

  const confirmation = await system.confirmation();
  const { chat } = confirmation.customer;
  await system.telegramFault({ method: 'editMessageMedia', fault: 'slow', chat, seconds: 5 });
  showing = await confirmation.tap();
  await until('the edit under way', () => isEditing(system, showing));
  sleeping.push(paused(await system.runner(showing, 'dlv')));

  telling = await system.order();
  sleeping.push(paused(system.stack.endpoints().processes['bot']?.[0]?.pid));
  await Promise.all(sleeping);
}, 300_000);
afterAll(() => system?.close());

/** Stops a process as a swapping machine or a frozen volume does, for longer than its lease lives, and lets it go on. */
async function paused(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new Error('there is no process to pause');
  process.kill(pid, 'SIGSTOP');
  await sleep(pauseMs);
  process.kill(pid, 'SIGCONT');
}

test.concurrent('a runner that slept through its lease before the paid call makes one task', async () => {
  await expectDelivered(system, uploading);
  expect(await system.tasks(uploading)).toHaveLength(1);
});

test.concurrent('a runner that slept through its lease inside the paid call makes no other task', async () => {
  await expectDelivered(system, submitting);
  expect(await system.tasks(submitting)).toHaveLength(1);
});

test.concurrent('a runner that slept through its lease inside an edit makes no second video', async () => {
  await expectDelivered(system, showing);
});

test.concurrent('a bot that slept goes on with what it had, and tells nobody twice', async () => {
  await expectDelivered(system, telling);
  const ready = async () =>
    (await telling.customer.messages()).filter(({ text }) => text?.includes('is ready, it is above') === true);
  await until('the person told', async () => (await ready()).length > 0);
  const open = z.object({ open: z.coerce.number() });
  await until('every notice to end', async () => {
    const sql = 'select count(*) as open from ledger.notices where ended_at is null and order_id = $1';
    return (await system.rows(sql, [telling.id], open))[0]?.open === 0;
  });
  expect(await ready()).toHaveLength(1);
});
