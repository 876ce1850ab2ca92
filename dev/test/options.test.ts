import { expect, test } from 'vitest';
import { LANES } from './lanes.ts';
import { HELP, parseOptions } from './options.ts';

test('without arguments everything runs, the checks too', () => {
  const options = parseOptions([]);
  expect(options.check).toBe(true);
  expect(options.lanes).toEqual(LANES);
});

test('a lane alone leaves the checks out and hands files and names on to vitest', () => {
  const options = parseOptions(['--lane', 'integration', 'ledger.test.ts', '-t', 'a double tap']);
  expect(options.lanes.map((lane) => lane.name)).toEqual(['integration']);
  expect(options.check).toBe(false);
  expect(options.rest).toEqual(['ledger.test.ts', '-t', 'a double tap']);
});

test('a seed can be given again', () => {
  expect(parseOptions(['--seed', '42']).seed).toBe(42);
  expect(parseOptions([]).seed).toBeUndefined();
});

test('a mistyped option is refused in words', () => {
  expect(() => parseOptions(['--lane', 'units'])).toThrow('There is no lane "units". The lanes are: unit, integration');
  expect(() => parseOptions(['--lane'])).toThrow('--lane needs a value');
  expect(() => parseOptions(['--seed', 'x'])).toThrow('--seed needs a whole number, not "x"');
});

test('help names every lane', () => {
  for (const lane of LANES) expect(HELP).toContain(lane.name);
});
