import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLedger } from '../support/ledger.ts';
import { type MoneyHappening, MoneyWorld, moneyHappenings } from '../support/money-world.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
  await ledger.offer('four', 4, 100);
  await ledger.admin.query(`select ledger.set_setting('open_order_limit', '1000')`);
  await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '10000')`);
});
afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

const happening: fc.Arbitrary<MoneyHappening> = fc.record({
  what: fc.constantFrom(...moneyHappenings),
  pick: fc.nat({ max: 1000 }),
});
/** Known ways into what chance alone would hardly reach; after each, anything. */
const ways: readonly (readonly MoneyHappening['what'][])[] = [
  [],
  ['pay', 'order', 'order', 'store refunds'],
  ['pay', 'order', 'order', 'store refunds', 'release', 'pay'],
  ['pay', 'begin refund', 'answer refund', 'begin refund', 'store refunds'],
  ['pay', 'order', 'show', 'begin refund', 'forget'],
];
const walk = (maxLength: number): fc.Arbitrary<MoneyHappening[]> =>
  fc
    .tuple(fc.constantFrom(...ways), fc.array(happening, { minLength: 4, maxLength }))
    .map(([way, after]) => [...way.map((what) => ({ what, pick: 0 })), ...after]);
const runs = Math.ceil(Number(process.env['NEUROCARDS_WALKS'] ?? 60) / 3);

describe('whatever happens to the money of a person', () => {
  it('they have and owe to the credit what a few lines of arithmetic say', { timeout: 600_000 }, async () => {
    const seen = { debt: 0, refused: 0, forgotten: 0 };
    await fc.assert(
      fc.asyncProperty(walk(20), async (steps) => {
        const world = await MoneyWorld.begin(ledger);
        for (const step of steps) {
          await world.happen(step);
          await world.check();
        }
        for (const key of ['debt', 'refused', 'forgotten'] as const) seen[key] += world.seen[key];
      }),
      { numRuns: runs },
    );
    // A walk that never gets anywhere proves nothing.
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
  });

  it('nothing is lost or made when it happens at the same moment', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(walk(10), async (steps) => {
        const world = await MoneyWorld.begin(ledger);
        // Whoever is forgotten in the middle of it can do nothing more, and that is all.
        const together = steps.filter(({ what }) => what !== 'forget');
        await Promise.all(together.map((step) => world.happen(step)));
        expect(await ledger.violations()).toEqual([]);
      }),
      { numRuns: Math.ceil(runs / 2) },
    );
  });
});
