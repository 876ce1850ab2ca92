import fc from 'fast-check';
import type { Decision } from './luck.ts';
import { type Played, type PlayOptions, play } from './play.ts';
import type { Act, Schedule, Tap } from './schedule.ts';

export interface Shrunk {
  readonly schedule: Schedule;
  readonly played: Played;
}

/**
 * The shortest schedule that still breaks the same promise: what chance decided, what people and machines did, and the taps, less and
 * less of each, as fast-check shrinks them.
 */
export function shrink(schedule: Schedule, failed: Played, options: PlayOptions, withinMs = 60_000): Shrunk {
  const oracles = new Set(failed.findings.map(({ oracle }) => oracle));
  let best: Shrunk = { schedule: { ...schedule, luck: failed.decisions }, played: failed };
  const [firstTap, ...otherTaps] = schedule.taps;
  if (firstTap === undefined) return best;
  const parts: fc.Arbitrary<[Decision[], Act[], Tap[]]> = fc.tuple(
    fc.subarray([...failed.decisions]),
    fc.subarray([...schedule.acts]),
    fc.subarray(otherTaps),
  );
  // fast-check has a limit of its own, which is for drawing; this one ends its shrinking.
  const until = performance.now() + withinMs;
  const isGood = ([decisions, acts, taps]: [Decision[], Act[], Tap[]]): boolean => {
    if (performance.now() > until) return true;
    const shorter: Schedule = { ...schedule, acts, taps: [firstTap, ...taps], luck: decisions };
    const played = play(shorter, options);
    if (!played.findings.some(({ oracle }) => oracles.has(oracle))) return true;
    best = { schedule: shorter, played };
    return false;
  };
  fc.check(fc.property(parts, isGood), {
    ...{ numRuns: 1, examples: [[[[...failed.decisions], [...schedule.acts], otherTaps]]] },
  });
  return best;
}
