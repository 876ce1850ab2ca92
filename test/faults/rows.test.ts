import { afterAll, beforeAll, expect, test } from 'vitest';
import { CRASH_TABLE, rowsStruck } from './crash-table.ts';
import { ROW_SCHEDULES } from './row-schedules.ts';
import { Lane } from './schedules/lane.ts';
import { playSchedule } from './schedules/play-schedule.ts';
import { isShareable } from './schedules/schedule.ts';

let lane: Lane;

beforeAll(async () => {
  lane = await Lane.start();
}, 180_000);
afterAll(() => lane?.close());

/** How the workloads end without faults: their references are taken by the big run, here the reason is enough. */
const ends = ['captured VideoDelivered', 'released ContentRejected', 'released Deleted'];

const titleOf = (row: number): string => `row ${row}: ${CRASH_TABLE.find((one) => one.row === row)?.happens}`;

for (const { row, schedule } of ROW_SCHEDULES) {
  const run = isShareable(schedule) ? test.concurrent : test;
  run(titleOf(row), { timeout: 240_000 }, async () => {
    const workload = { ...schedule.workload, mayEnd: [...(schedule.workload.mayEnd ?? []), ...ends] };
    const played = await playSchedule(lane, { ...schedule, workload }, [], { settled: [], created: [], returned: [] });
    expect(played.complaints).toEqual([]);
    expect(played.strikes.flatMap(rowsStruck)).toContain(row);
  });
}

test('no process wrote of trouble that the product has no name for', () => {
  expect(lane.unclassified()).toEqual([]);
});
