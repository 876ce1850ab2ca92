import { type Bench, CRASH_TABLE, reachableRows } from './crash-table.ts';

/** What a run of either bench came to. */
export interface Summary {
  readonly schedules: number;
  /** Orders that were placed. */
  readonly orders: number;
  /** Faults that really struck an effect. */
  readonly faults: number;
  /** Rows of the crash table that were struck. */
  readonly rows: ReadonlySet<number>;
  /** Submits whose outcome nobody could know. */
  readonly ambiguous: number;
  /** Acknowledged results that are gone, credits that nobody has. */
  readonly lost: number;
  /** Paid twice, shown twice, settled twice. */
  readonly doubled: number;
  /** Not terminal within the time allowed. */
  readonly stuck: number;
  /** Everything else an oracle said, and rows of `ledger.violations`. */
  readonly violations: number;
}

/** The one line a run ends with. */
export function summaryLine(summary: Summary): string {
  const { schedules, orders, faults, rows, ambiguous, lost, doubled, stuck, violations } = summary;
  return (
    `schedules ${schedules}, orders ${orders}, faults ${faults}, rows hit ${rows.size} of ${CRASH_TABLE.length}, ` +
    `ambiguous ${ambiguous}, lost ${lost}, doubled ${doubled}, stuck ${stuck}, violations ${violations}`
  );
}

/**
 * Why a run is red, in sentences; empty when it is green. `isWhole` is a run that is meant to hit every reachable row: a replay of one
 * schedule, or a run made to find one mutant, is not.
 */
export function complaints(summary: Summary, bench: Bench, isWhole: boolean): string[] {
  const found: string[] = [];
  for (const what of ['lost', 'doubled', 'stuck', 'violations'] as const) {
    if (summary[what] > 0) found.push(`${what}: ${summary[what]}`);
  }
  if (!isWhole) return found;
  for (const what of ['orders', 'faults'] as const) {
    if (summary[what] < summary.schedules) {
      found.push(`only ${summary[what]} ${what} in ${summary.schedules} schedules: the bench does not strike`);
    }
  }
  const missed = reachableRows(bench).filter((row) => !summary.rows.has(row));
  if (missed.length > 0) found.push(`rows of the crash table that were never hit: ${missed.join(', ')}`);
  return found;
}
