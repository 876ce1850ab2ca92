import { afterAll, beforeAll, describe, test } from 'vitest';
import { strikeFourOrders } from '../support/four-orders.ts';
import { System } from '../support/system.ts';

let system: System;

beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.close());

const awaySeconds = 20;

describe('away for 20 s while orders stand inside createTask, right after its answer, in the download and in the edit', () => {
  test('the API server: every order completes with one paid task, one video, one settlement', async () => {
    await strikeFourOrders(system, () => system.apiServerAway(awaySeconds));
  });

  test('PostgreSQL: every order completes with one paid task, one video, one settlement', async () => {
    await strikeFourOrders(system, () => system.postgresAway(awaySeconds));
  });
});
