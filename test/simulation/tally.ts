import { z } from 'zod';
import type { Summary } from '../faults/summary.ts';
import type { Played } from './play.ts';

/** A schedule that broke a promise. */
const failure = z.object({
  seed: z.number(),
  findings: z.array(z.object({ kind: z.string(), oracle: z.string(), text: z.string() })),
});

/** What one process counted, as it is told to the one that adds up. */
export const tallySchema = z.object({
  schedules: z.number(),
  orders: z.number(),
  faults: z.number(),
  ambiguous: z.number(),
  lost: z.number(),
  doubled: z.number(),
  stuck: z.number(),
  violations: z.number(),
  /** How many schedules struck each row, by its number. */
  rows: z.record(z.string(), z.number()),
  ends: z.record(z.string(), z.number()),
  failures: z.array(failure),
});
export type Tally = z.infer<typeof tallySchema>;

export function emptyTally(): Tally {
  return {
    ...{ schedules: 0, orders: 0, faults: 0, ambiguous: 0, lost: 0, doubled: 0, stuck: 0, violations: 0 },
    ...{ rows: {}, ends: {}, failures: [] },
  };
}

export function count(tally: Tally, seed: number, played: Played): void {
  tally.schedules += 1;
  tally.orders += played.orders;
  tally.faults += played.struck.length;
  tally.ambiguous += played.ambiguous;
  for (const row of played.rows) tally.rows[row] = (tally.rows[row] ?? 0) + 1;
  for (const end of played.ends) tally.ends[end] = (tally.ends[end] ?? 0) + 1;
  const kinds = new Set(played.findings.map(({ kind }) => kind));
  tally.lost += kinds.has('lost') ? 1 : 0;
  tally.doubled += kinds.has('doubled') ? 1 : 0;
  tally.stuck += kinds.has('stuck') ? 1 : 0;
  tally.violations += kinds.has('violation') ? 1 : 0;
  if (played.findings.length > 0) tally.failures.push({ seed, findings: [...played.findings] });
}

export function add(sum: Tally, part: Tally): void {
  for (const key of ['schedules', 'orders', 'faults', 'ambiguous', 'lost', 'doubled', 'stuck', 'violations'] as const) {
    sum[key] += part[key];
  }
  for (const name of ['rows', 'ends'] as const) {
    for (const [key, value] of Object.entries(part[name])) sum[name][key] = (sum[name][key] ?? 0) + value;
  }
  sum.failures.push(...part.failures);
}

export function summaryOf({
  schedules,
  orders,
  faults,
  ambiguous,
  lost,
  doubled,
  stuck,
  violations,
  rows,
}: Tally): Summary {
  const hit = new Set(Object.keys(rows).map(Number));
  return { schedules, orders, faults, rows: hit, ambiguous, lost, doubled, stuck, violations };
}
