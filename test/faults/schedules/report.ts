import type { Latencies } from './oracles.ts';
import type { Outcome } from './run.ts';
import { PATTERNS } from './schedule.ts';

/** The tables of a run: what was struck how often, and how long things took. */
export function report(outcomes: readonly Outcome[], latencies: Latencies, seconds: number): string[] {
  return [
    '',
    ...byPattern(outcomes),
    '',
    ...byKind(outcomes),
    '',
    quantiles(
      'settled after its cause',
      latencies.settled.map(({ ms }) => ms),
    ),
    quantiles(
      'VideoJob after its order',
      latencies.created.map(({ ms }) => ms),
    ),
    quantiles(
      'VideoJob after a return',
      latencies.returned.map(({ ms }) => ms),
    ),
    quantiles(
      'a schedule',
      outcomes.map(({ played }) => played.seconds * 1_000),
    ),
    ...slowest(latencies),
    `the whole run: ${Math.round(seconds)} s`,
    '',
  ];
}

function byPattern(outcomes: readonly Outcome[]): string[] {
  const rows = PATTERNS.map((pattern) => {
    const mine = outcomes.filter(({ schedule }) => schedule.pattern === pattern);
    const orders = mine.reduce((sum, { played }) => sum + played.orders, 0);
    const struck = mine.filter(({ played }) => played.struck.length + played.strikes.length > 0).length;
    return `${pattern.padEnd(14)} ${String(mine.length).padStart(9)} ${String(struck).padStart(7)} ${String(orders).padStart(7)}`;
  });
  return [`${'pattern'.padEnd(14)} schedules  struck  orders`, ...rows];
}

function byKind(outcomes: readonly Outcome[]): string[] {
  const counts = new Map<string, number>();
  for (const { played } of outcomes) {
    for (const { kind } of played.struck) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const { step, fault } of played.strikes) {
      const key = `${step}: ${fault}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const sorted = [...counts].sort(([one], [other]) => one.localeCompare(other));
  return [
    'struck, by kind of fault and by step of the crash table',
    ...sorted.map(([kind, times]) => `  ${kind.padEnd(32)} ${times}`),
  ];
}

function quantiles(what: string, all: readonly number[]): string {
  const sorted = [...all].sort((one, other) => one - other);
  const at = (share: number): string =>
    ((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1_000).toFixed(2);
  return `${what.padEnd(26)} p50 ${at(0.5)} s, p90 ${at(0.9)} s, p99 ${at(0.99)} s, most ${at(1)} s (n ${sorted.length})`;
}

function slowest({ settled }: Latencies): string[] {
  return [...settled]
    .sort((one, other) => other.ms - one.ms)
    .slice(0, 3)
    .map(({ order, cause, ms }) => `  slowest settlement: ${(ms / 1_000).toFixed(1)} s after "${cause}" (${order})`);
}
