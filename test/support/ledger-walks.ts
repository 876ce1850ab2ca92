import fc from 'fast-check';
import { type Happening, happenings } from './ledger-world.ts';

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
export const walk: fc.Arbitrary<Happening[]> = fc
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
