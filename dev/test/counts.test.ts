import { expect, test } from 'vitest';
import { add, closingLine, countsOf, NONE } from './counts.ts';

const report = (passed: number, failed: number, pending: number, todo: number): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: todo });

test('a green run is counted as it reports itself, tests to be written among the skipped', () => {
  expect(countsOf(report(5, 0, 2, 1), 0)).toEqual({ passed: 5, failed: 0, skipped: 3 });
});

test('a red exit code counts as a failure even when no test failed', () => {
  expect(countsOf(report(5, 0, 0, 0), 1)).toEqual({ passed: 5, failed: 1, skipped: 0 });
});

test('a red exit code adds nothing to failures that were counted', () => {
  expect(countsOf(report(5, 3, 0, 0), 1)).toEqual({ passed: 5, failed: 3, skipped: 0 });
});

test('a run that left no report, or an unreadable one, has failed whatever its exit code says', () => {
  expect(countsOf(undefined, 0).failed).toBe(1);
  expect(countsOf('{"numPassedTests":', 0).failed).toBe(1);
});

test('the closing line adds all lanes up', () => {
  const total = [countsOf(report(1, 0, 0, 0), 0), countsOf(report(2, 1, 1, 0), 1)].reduce(add, NONE);
  expect(closingLine(total)).toBe('3 passed, 1 failed, 1 skipped');
});
