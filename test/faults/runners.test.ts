import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCreated, isDownloading, isEditing, isInCreateTask, until } from '../support/effects.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { attempts, expectDelivered, expectReturned, paidTasks } from '../support/outcome.ts';
import { type Confirmation, System, type SystemOrder } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let gate: Gate;
let system: System;
/** Orders of a short generation clock, placed while the bot was set to it. */
let unsent: SystemOrder;
let silent: SystemOrder;
let cut: SystemOrder;
let refused: SystemOrder;
/** Of the usual clock: its createTask was processed, and the answer was cut. */
let lost: SystemOrder;
/** Its upload hung, and then its runner was killed. */
let early: SystemOrder;

beforeAll(async () => {
  gate = await openGate();
  system = await System.start({
    extraEnv: {
      bot: { NEUROCARDS_ACTIVE_DEADLINE_SECONDS: '25' },
      generate: { NEUROCARDS_KIE_BASE_URL: gate.url, NEUROCARDS_KIE_UPLOAD_URL: gate.url },
    },
  });
  gate.lead(system.stack.endpoints().kie);
  const [atGate, quiet, dropped, failing, answerless, uploading] = await Promise.all([
    system.confirmation(),
    system.confirmation('accept-then-slow:60', 'cb-none'),
    system.confirmation(),
    system.confirmation(),
    system.confirmation(),
    system.confirmation(),
  ]);
  const held = new Promise<void>((resolve) => gate.hold(atGate.mark, resolve));
  // A fault of createTask strikes whoever comes next, so each of these orders comes alone.
  cut = await struck(dropped, 'drop');
  refused = await struck(failing, '500');
  [unsent, silent] = await Promise.all([atGate.tap(), quiet.tap()]);
  await Promise.all([held, until('createTask under way', () => isInCreateTask(system, quiet))]);
  expect(await attempts(system, unsent), 'begun, and not sent').toEqual([{ state: 'intent', task_id: null }]);
  await Promise.all([system.killRunner(unsent, 'gen'), system.killRunner(silent, 'gen')]);
  await system.withBot({ NEUROCARDS_ACTIVE_DEADLINE_SECONDS: '1800' });
  lost = await struck(answerless, 'process-then-drop');
  await system.kieFault({ method: 'upload', fault: 'hang', seconds: 60 });
  early = await uploading.tap();
  await until('the upload under way', async () => (await system.kieCalls('upload')).some(isPending));
  await system.killRunner(early, 'gen');
});

afterAll(async () => {
  await system?.close();
  await gate?.close();
});

/** Taps, and answers once this order's createTask was struck. */
async function struck(confirmation: Confirmation, fault: string): Promise<SystemOrder> {
  await system.kieFault({ method: 'createTask', fault });
  const order = await confirmation.tap();
  await until(`createTask struck by ${fault}`, () => wasStruck('createTask', fault));
  return order;
}

const isPending = ({ outcome }: { outcome: string }): boolean => outcome === 'pending';

async function wasStruck(method: string, fault: string): Promise<boolean> {
  return (await system.kieCalls(method)).some(({ outcome }) => outcome === `fault ${fault}`);
}

describe('SIGKILL of a generate runner', () => {
  test.concurrent('before createTask, during the upload: the next one begins anew', async () => {
    await expectDelivered(system, early);
    expect(await system.tasks(early)).toHaveLength(1);
  });

  test.concurrent('between begin_submit and the POST: no task is ever made, and the credits come back at the clock', async () => {
    await expectReturned(system, unsent, 'ProviderOutcomeUnknown', { atMost: 0 });
    expect(await attempts(system, unsent)).toEqual([{ state: 'abandoned', task_id: null }]);
  });

  test.concurrent('inside createTask, without a callback: the credits come back at the clock, and the task is followed', async () => {
    await expectReturned(system, silent, 'ProviderOutcomeUnknown', { atMost: 1 });
    expect(await attempts(system, silent)).toEqual([{ state: 'abandoned', task_id: null }]);
    expect(await paidTasks(system, silent)).toBe(1);
    const page = await system.admin('order', 'show', silent.id);
    expect(page).toMatch(/attempt 1 +abandoned .*followed until 2/);
    expect(page).toContain('A task may still run');
  });

  test.concurrent('inside createTask, its answer lost: the callback names the one task', async () => {
    const order = await system.order('accept-then-slow:60');
    await until('createTask under way', () => isInCreateTask(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect(await attempts(system, order)).toMatchObject([{ state: 'succeeded' }]);
  });

  test.concurrent('right after createTask was answered: the next one goes on with the same task', async () => {
    const order = await system.order();
    await until('createTask answered', () => isCreated(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect(await system.tasks(order)).toHaveLength(1);
  });

  test.concurrent('during the download: the next one downloads again', async () => {
    const order = await system.order('url-slow:6');
    await until('the download under way', () => isDownloading(system, order));
    await system.killRunner(order, 'gen');
    await expectDelivered(system, order);
    expect((await system.kieCallsOf(order, 'download')).length).toBeGreaterThan(1);
  });
});

describe('SIGKILL of a deliver runner', () => {
  test.concurrent('during an edit that Telegram processes later: the same message is edited, and there is one video', async () => {
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

  test.concurrent('after an edit that happened and was never answered: there is one video', async () => {
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

describe('a createTask that is not answered as it should be is never sent again', () => {
  test.concurrent('processed and cut: the callback names the one task', async () => {
    await expectDelivered(system, lost);
    expect(await system.tasks(lost)).toHaveLength(1);
  });

  test.concurrent('cut before it was processed: nobody knows, and the credits come back at the clock', async () => {
    await expectReturned(system, cut, 'ProviderOutcomeUnknown', { atMost: 0 });
  });

  test.concurrent('refused by HTTP 500: nobody knows, and the credits come back at the clock', async () => {
    await expectReturned(system, refused, 'ProviderOutcomeUnknown', { atMost: 0 });
  });
});

describe('what costs nothing is asked again, and the order completes with one paid task', () => {
  for (const method of ['upload', 'recordInfo', 'download']) {
    test.concurrent(`${method} processed and cut, cut at once, and refused by HTTP 500`, async () => {
      const faults = ['process-then-drop', 'drop', '500'];
      for (const fault of faults) await system.kieFault({ method, fault });
      const orders = await Promise.all(faults.map(() => system.order()));
      for (const order of orders) await expectDelivered(system, order);
      for (const fault of faults) expect(await wasStruck(method, fault), fault).toBe(true);
    });
  }
});

describe('an edit that is not answered as it should be makes one video', () => {
  const cases = [
    { fault: 'process-then-drop', times: 2 },
    { fault: 'drop', times: 2 },
    { fault: '500', times: 2 },
    { fault: '429', times: 1, retry_after: 2 },
  ];
  for (const { fault, ...more } of cases) {
    test.concurrent(`editMessageMedia: ${fault}`, async () => {
      const confirmation = await system.confirmation();
      const { chat } = confirmation.customer;
      await system.telegramFault({ method: 'editMessageMedia', fault, chat, ...more });
      const order = await confirmation.tap();
      await expectDelivered(system, order);
      const edits = await system.telegramCalls(order, 'editMessageMedia');
      expect(edits.filter((edit) => edit.fault === fault)).toHaveLength(more.times);
    });
  }
});

test('everything stopped in the middle of a paid call leaves no process behind', async () => {
  const confirmation = await system.confirmation();
  const underWay = new Promise<void>((resolve) => gate.hold(confirmation.mark, resolve));
  await confirmation.tap();
  await underWay;
  expect(system.podProcesses()).not.toEqual([]);
  await system.stack.stop();
  expect(system.podProcesses()).toEqual([]);
});
