import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildScene, forbiddenStatements, type Scene } from '../support/forbidden-statements.ts';
import { TestLedger } from '../support/ledger.ts';
import { refusedBy } from '../support/refusal.ts';

let ledger: TestLedger;
let scene: Scene;

beforeAll(async () => {
  ledger = await TestLedger.open();
  scene = await buildScene(ledger);
});

afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

describe('what the tables refuse even to their owner', () => {
  it.each(forbiddenStatements)('$sentence', async ({ rule, statements }) => {
    expect(await refusedBy(ledger.owner, statements(scene))).toBe(rule);
  });
});
