import { expect, test } from 'vitest';
import { failedTests } from './failed.ts';

const file = (name: string, status: string, message: string, tests: object[]) => ({
  ...{ name, status, message },
  assertionResults: tests,
});
const passed = { fullName: 'goes on', status: 'passed', failureMessages: [] };
const failed = { fullName: ' a person is told', status: 'failed', failureMessages: ['Error: not told\n    at x.ts:1'] };
const report = (...testResults: object[]): string => JSON.stringify({ testResults });

test('each failed test is named with its file and what it says first', () => {
  const json = report(
    file('/here/a.test.ts', 'failed', '', [passed, failed]),
    file('/here/b.test.ts', 'passed', '', [passed]),
  );
  expect(failedTests(json, '/here')).toEqual(['a.test.ts: "a person is told": Error: not told']);
});

test('a file that failed before its tests is named', () => {
  const json = report(file('/here/a.test.ts', 'failed', 'Error: no such module\nmore', []));
  expect(failedTests(json, '/here')).toEqual(['a.test.ts: Error: no such module']);
});

test('a run without a readable report names nothing', () => {
  expect(failedTests(undefined, '/here')).toEqual([]);
  expect(failedTests('{"testResults":', '/here')).toEqual([]);
});
