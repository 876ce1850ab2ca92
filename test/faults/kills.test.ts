import { afterAll, beforeAll, describe, test } from 'vitest';
import { strikeFourOrders } from '../support/four-orders.ts';
import { System } from '../support/system.ts';

let system: System;

beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.close());

describe('SIGKILL while orders stand inside createTask, right after its answer, in the download and in the edit', () => {
  test('of the bot: every order completes with one paid task, one video, one settlement', async () => {
    await strikeFourOrders(system, () => system.kill('bot'));
  });

  test('of the controller: every order completes with one paid task, one video, one settlement', async () => {
    await strikeFourOrders(system, () => system.kill('controller'));
  });

  test('of the node and every pod on it: every order completes with one paid task, one video, one settlement', async () => {
    await strikeFourOrders(system, () => system.kill('node'));
  });
});
