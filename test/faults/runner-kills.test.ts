import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCreated, isDownloading, isEditing, isInCreateTask, until } from '../support/effects.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { attempts, expectDelivered, expectReturned, paidTasks, settled } from '../support/outcome.ts';
import { System, type SystemOrder } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let gate: Gate;
let system: System;
/** Orders of a short generation clock, placed while the bot was set to it. */
let silent: SystemOrder;
let unsent: SystemOrder;
let held: Promise<void>;

beforeAll(async () => {
  gate = await openGate();
  system = await System.start({
    extraEnv: {
      bot: { NEUROCARDS_ACTIVE_DEADLINE_SECONDS: '25' },
      generate: { NEUROCARDS_KIE_BASE_URL: gate.url, NEUROCARDS_KIE_UPLOAD_URL: gate.url },
    },
  });
  gate.lead(system.stack.endpoints().kie);
  const [first, second] = await Promise.all([
    system.confirmation('accept-then-slow:60', 'cb-none'),
    system.confirmation(),
  ]);
  held = new Promise((resolve) => gate.hold(second.mark, resolve));
  [silent, unsent] = await Promise.all([first.tap(), second.tap()]);
  await system.withBot({ NEUROCARDS_ACTIVE_DEADLINE_SECONDS: '1800' });
});

afterAll(async () => {
  await system?.close();
  await gate?.close();
});

describe.concurrent('SIGKILL of a generate runner', () => {
  test('between begin_submit and the POST: the credits come back at the clock, and no task is ever made', async () => {
    await held;
    expect(await attempts(system, unsent)).toEqual([{ state: 'intent', task_id: null }]);
    await system.killRunner(unsent, 'gen');
    await expectReturned(system, unsent, 'ProviderOutcomeUnknown', { atMost: 0 });
    expect(await attempts(system, unsent)).toEqual([{ state: 'abandoned', task_id: null }]);
  });

  test('inside createTask, and no callback comes: the credits come back at the clock, and the task is followed', async () => {
    await until('createTask under way', () => isInCreateTask(system, silent));
    await system.killRunner(silent, 'gen');
    await expectReturned(system, silent, 'ProviderOutcomeUnknown', { atMost: 1 });
    expect(await attempts(system, silent)).toEqual([{ state: 'abandoned', task_id: null }]);
    const page = await system.admin('order', 'show', silent.id);
    expect(page).toMatch(/attempt 1 +abandoned .*followed until 2/);
    expect(page).toContain('A task may still run');
  });

  test('inside createTask, its answer lost: the callback names the one task', async () => {
    const order = await system.order('accept-then-slow:60');
    await until('createTask under way', () => isInCreateTask(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect(await attempts(system, order)).toMatchObject([{ state: 'succeeded' }]);
  });

  test('right after createTask was answered: the next one goes on with the same task', async () => {
    const order = await system.order();
    await until('createTask answered', () => isCreated(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect(await system.tasks(order)).toHaveLength(1);
  });

  test('during the download: the next one downloads again', async () => {
    const order = await system.order('url-slow:6');
    await until('the download under way', () => isDownloading(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect((await system.kieCallsOf(order, 'download')).length).toBeGreaterThan(1);
  });
});

describe.concurrent('SIGKILL of a deliver runner', () => {
  test('during an edit that Telegram processes later: the same message is edited again, and there is one video', async () => {
    const confirmation = await system.confirmation();
    const { customer } = confirmation;
    await system.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 8, chat: customer.chat });
    const order = await confirmation.tap();
    await until('the edit under way', () => isEditing(system, order));
    await system.killRunner(order, 'dlv');
    await expectDelivered(system, order);
    // The late copy comes after the settlement and changes nothing.
    await waitFor(async () => !(await isEditing(system, order)), { what: 'the end of the late edit' });
    await expectDelivered(system, order);
  });

  test('after an edit that happened and was never answered: there is one video', async () => {
    const confirmation = await system.confirmation();
    const { customer } = confirmation;
    await system.telegramFault({ method: 'editMessageMedia', fault: 'process-then-drop', chat: customer.chat });
    const order = await confirmation.tap();
    await until('the edit lost', async () =>
      (await system.telegramCalls(order, 'editMessageMedia')).some(({ outcome }) => outcome === 'dropped'),
    );
    await system.killRunner(order, 'dlv');
    await expectDelivered(system, order);
  });
});

test('a task whose answer was lost is paid at most once', async () => {
  await settled(system, silent);
  expect(await paidTasks(system, silent)).toBeLessThanOrEqual(1);
});
