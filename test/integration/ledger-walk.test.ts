import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFigures } from '../../src/ledger/audit.ts';
import { TestLedger, type TestPerson } from '../support/ledger.ts';
import { type Happening, happenings, OrderWorld } from '../support/ledger-world.ts';

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

const step = (what: Happening['what'], pick = 0): Happening => ({ what, pick });
const toTask = [step('claim'), step('open execution', 2), step('lease attempt'), step('submit'), step('post')];
const toEdit = [
  ...toTask,
  step('answer submit'),
  step('verdict', 4),
  step('open execution', 1),
  step('lease delivery'),
  step('edit'),
];
/** Known ways, in whose midst everything else happens: chance alone would hardly ever reach the end of one. */
const ways: readonly (readonly Happening[])[] = [
  [...toEdit, step('show')],
  // Refused for good, then given back.
  [...toEdit, step('answer edit', 10), step('close')],
  // An edit that nobody answers, over the whole stage.
  [...toEdit, step('time', 10), step('close'), step('ask'), step('showing'), step('show')],
  // A task that nobody answers, deleted or overdue, whose answer comes after all.
  [...toTask, step('close', 4), step('answer submit'), step('follow')],
  [
    ...toTask,
    step('end execution', 2),
    step('open execution', 2),
    step('lease attempt', 7),
    step('time', 8),
    step('close'),
  ],
  [...toTask, step('time', 3), step('sweep'), step('cancel'), step('answer submit'), step('cancel', 1)],
  // A sure refusal that arrives twice, the second time when another submit has begun.
  [
    ...toTask.slice(0, 4),
    step('answer submit'),
    step('time', 1),
    step('submit'),
    step('post'),
    step('late copy', 1),
    step('late copy', 3),
    step('time', 1),
    step('submit'),
    step('post'),
  ],
  // A confirmed failure, and another task.
  [...toTask, step('answer submit'), step('verdict'), step('open attempt'), step('time', 1), step('end execution', 2)],
];

const pick = fc.nat({ max: 1000 });
const anything: fc.Arbitrary<Happening> = fc.record({ what: fc.constantFrom(...happenings), pick });
/** What the ends of an order depend on, more often than the rest. */
const decisive: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom(
    'submit',
    'post',
    'answer submit',
    'edit',
    'show',
    'answer edit',
    'close',
    'showing',
    'late copy',
    'lease attempt',
  ),
  pick,
});

/** A part of a known way with happenings between its steps, and more after it. */
const walk: fc.Arbitrary<Happening[]> = fc
  .tuple(
    fc.constantFrom(...ways),
    fc.integer({ min: 3, max: 20 }),
    fc.array(fc.tuple(fc.nat({ max: 12 }), anything), { maxLength: 12 }),
    fc.array(fc.oneof(anything, decisive), { maxLength: 15 }),
  )
  .map(([way, length, between, after]) => {
    const steps = way
      .slice(0, length)
      .flatMap((next, index) => [next, ...between.filter(([at]) => at === index).map(([, happening]) => happening)]);
    return [...steps, ...after];
  });

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
