import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFigures } from '../../src/ledger/audit.ts';
import { TestLedger, type TestPerson } from '../support/ledger.ts';
import { walk } from '../support/ledger-walks.ts';
import { OrderWorld } from '../support/ledger-world.ts';

let ledger: TestLedger;
let person: TestPerson;

beforeAll(async () => {
  ledger = await TestLedger.open();
  for (const [name, value] of [
    ['open_order_limit', 1000],
    ['live_attempt_limit', 10_000],
  ]) {
    await ledger.admin.query('select ledger.set_setting($1, $2)', [name, JSON.stringify(value)]);
  }
  person = await ledger.person(1_000_000);
});

afterAll(() => ledger.close());

const runs = Number(process.env['NEUROCARDS_WALKS'] ?? 60);

describe('whatever happens to an order', () => {
  it('its credits are settled once, its tasks are paid once, and what is released is never shown', {
    timeout: 600_000,
  }, async () => {
    const ends = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(walk, async (steps) => {
        const world = await OrderWorld.begin(ledger, person);
        for (const step of steps) {
          await world.happen(step);
          await world.check();
        }
        await world.end();
        const end = `${world.settled?.outcome} ${world.settled?.reason}`;
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }),
      { numRuns: runs },
    );
    // A walk that never gets anywhere proves nothing.
    expect(ends.size).toBeGreaterThan(5);
    const { credits } = await readFigures(ledger.controller);
    expect(credits.held).toBe(0);
    expect(credits.available + credits.captured).toBe(credits.granted);
  });

  it('holds as well when it happens at the same moment', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(walk, { minLength: 3, maxLength: 4 }), async (walks) => {
        const world = await OrderWorld.begin(ledger, person);
        await Promise.all(
          walks.map(async (steps) => {
            for (const step of steps) await world.happen(step);
          }),
        );
        await world.check();
        await world.end();
      }),
      { numRuns: Math.ceil(runs / 5) },
    );
  });
});
