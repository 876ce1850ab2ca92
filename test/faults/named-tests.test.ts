import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkout } from '../../dev/places.ts';
import { CRASH_TABLE } from './crash-table.ts';
import { NAMED_TESTS } from './named-tests.ts';
import { ROW_SCHEDULES } from './row-schedules.ts';

test('every row of the crash table has a test, and none has two places for it', () => {
  const rows = [...Object.keys(NAMED_TESTS).map(Number), ...ROW_SCHEDULES.map(({ row }) => row)];
  expect(rows.sort((one, other) => one - other)).toEqual(CRASH_TABLE.map(({ row }) => row));
});

test('every test that is named is there under that name', () => {
  for (const { file, title } of Object.values(NAMED_TESTS)) {
    const text = readFileSync(join(checkout, file), 'utf8');
    expect(
      [`'${title}'`, `"${title}"`].some((quoted) => text.includes(quoted)),
      `${title} in ${file}`,
    ).toBe(true);
  }
});
