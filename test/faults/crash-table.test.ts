import { describe, expect, test } from 'vitest';
import { CRASH_TABLE, reachableRows, rowsStruck } from './crash-table.ts';
import { complaints, type Summary, summaryLine } from './summary.ts';

const green: Summary = {
  schedules: 10,
  orders: 12,
  faults: 30,
  rows: new Set(reachableRows('simulation')),
  ambiguous: 2,
  lost: 0,
  doubled: 0,
  stuck: 0,
  violations: 0,
};

describe('the crash table', () => {
  test('has 45 rows, numbered in order, each with something that strikes it', () => {
    expect(CRASH_TABLE.map(({ row }) => row)).toEqual(Array.from({ length: 45 }, (_, index) => index + 1));
    expect(CRASH_TABLE.filter(({ strikes }) => strikes.length === 0)).toEqual([]);
  });

  test('gives every strike to one row, so that a row is never hit by the way', () => {
    const strikes = CRASH_TABLE.flatMap((row) => row.strikes);
    for (const strike of strikes) expect(rowsStruck(strike)).toHaveLength(1);
    expect(rowsStruck({ step: 'admission', fault: 'before' })).toEqual([]);
  });

  test('says of every row that a bench leaves out why', () => {
    for (const { simulation, real } of CRASH_TABLE) {
      for (const reach of [simulation, real]) if (reach !== true) expect(reach.length).toBeGreaterThan(20);
    }
  });
});

describe('the summary of a run', () => {
  test('is one line of figures', () => {
    expect(summaryLine({ ...green, rows: new Set([1, 7]) })).toBe(
      'schedules 10, orders 12, faults 30, rows hit 2 of 45, ambiguous 2, lost 0, doubled 0, stuck 0, violations 0',
    );
  });

  test('is green only when nothing was lost, doubled, stuck or violated, and the bench really struck', () => {
    expect(complaints(green, 'simulation', true)).toEqual([]);
    expect(complaints({ ...green, doubled: 1 }, 'simulation', true)).toEqual(['doubled: 1']);
    expect(complaints({ ...green, orders: 9 }, 'simulation', true)).toHaveLength(1);
    expect(complaints({ ...green, faults: 9 }, 'simulation', true)).toHaveLength(1);
    expect(complaints({ ...green, rows: new Set([1]) }, 'simulation', true)[0]).toContain('never hit: 2, 3');
    expect(complaints({ ...green, rows: new Set() }, 'simulation', false)).toEqual([]);
  });
});
