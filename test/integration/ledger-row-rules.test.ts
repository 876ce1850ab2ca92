import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consequences } from '../support/consequences.ts';
import { buildScene, type Scene } from '../support/forbidden-statements.ts';
import { furnish } from '../support/furnished-ledger.ts';
import { guardRules, historyRules } from '../support/history-rules.ts';
import { TestLedger } from '../support/ledger.ts';
import { refusedBy } from '../support/refusal.ts';
import { rowRules, statementsOf } from '../support/row-rules.ts';

let ledger: TestLedger;
let scene: Scene;

beforeAll(async () => {
  ledger = await TestLedger.open();
  await furnish(ledger);
  scene = await buildScene(ledger);
});

afterAll(() => ledger.close());

describe('each rule of a row holds by itself', () => {
  it.each(rowRules.map((rule) => [rule.rule, rule] as const))('%s', async (name, rule) => {
    expect(await refusedBy(ledger.owner, statementsOf(rule))).toBe(name);
  });
});

describe('history refuses even its owner', () => {
  it.each([...historyRules, ...guardRules])('$sentence', async ({ rule, statements }) => {
    expect(await refusedBy(ledger.owner, statements(scene))).toBe(rule);
  });
});

describe('the schema by itself sees to it that', () => {
  it.each(consequences)('$sentence', async ({ follows }) => {
    expect(await follows(ledger)).toBe(true);
  });
});
