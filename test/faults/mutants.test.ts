import { expect, test } from 'vitest';
import { type MutantOptions, runMutants } from './mutants/run.ts';

/** The same few at every run, so that a red one is about the change at hand; all of them by `npm run faults -- --mutants`. */
const seed = 20_261_128;

async function survivorsOf(options: Omit<MutantOptions, 'seed'>): Promise<string[]> {
  const { verdicts } = await runMutants({ seed, ...options });
  expect(verdicts.length).toBeGreaterThan(0);
  return verdicts.filter(({ caught }) => !caught).map(({ mutant, by }) => `${mutant}: ${by}`);
}

test('an effect that is left out is noticed by an oracle, or by an end that is another one', async () => {
  const survivors = await survivorsOf({ kind: 'effect', only: 'simulation: skip' });
  // What no schedule is long or crowded enough for, and a lease that only saves time: promised.ts says it of each.
  const unnoticed = /skip (take_submit_token|close_overdue_holds|renew_attempt):/;
  expect(survivors.filter((one) => !unnoticed.test(one))).toEqual([]);
});

test('a paid call that is made twice is noticed', async () => {
  expect(await survivorsOf({ kind: 'effect', only: 'simulation: double createTask' })).toEqual([]);
});

test('a part of the mistakes made on purpose is noticed by the test that has to notice it', async () => {
  expect(await survivorsOf({ kind: 'source', sample: 3 })).toEqual([]);
});
