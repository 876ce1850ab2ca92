import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';
import { help, readOptions } from './options.ts';

function refusal(...args: string[]): string {
  try {
    readOptions(args);
  } catch (error) {
    if (error instanceof DevEnvironmentError && error.reason === 'BadSetting') return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

test('without options everything is started, in .demo', () => {
  expect(readOptions([])).toEqual({
    help: false,
    once: false,
    reset: false,
    directory: join(checkout, '.demo'),
    parts: ['stand-ins', 'node', 'bot', 'controller'],
    standIns: ['telegram', 'kie', 'completions'],
    portBase: 17_080,
  });
});

test('--only starts the named stand-ins in their one process, and nothing else', () => {
  expect(readOptions(['--only', 'kie,telegram'])).toMatchObject({
    parts: ['stand-ins'],
    standIns: ['telegram', 'kie'],
  });
  expect(readOptions(['--only', 'bot, node'])).toMatchObject({ parts: ['node', 'bot'], standIns: [] });
  expect(readOptions(['--only', 'stand-ins']).standIns).toEqual(['telegram', 'kie', 'completions']);
});

test.each(['kie,foo', '', 'kie,', 'Bot'])('--only %o is refused with the parts there are', (list) => {
  expect(refusal('--only', list)).toMatch(
    /^--only does not know the part ".*": choose of telegram, kie, completions, node, bot, controller\.$/,
  );
});

test.each(['abc', '80', '65527', '-1', '1e4', ''])('--port-base %o is refused with the numbers that may be', (base) => {
  expect(refusal(`--port-base=${base}`)).toBe(
    `--port-base must be a number from 1024 to 65526, and ${JSON.stringify(base)} is not.`,
  );
});

test('an unknown option and a stray word are refused in one sentence that names --help', () => {
  for (const arg of ['--frobnicate', 'once']) expect(refusal(arg)).toMatch(/^[^\n]+: see npm run demo -- --help\.$/);
});

test('the help names every option', () => {
  for (const option of ['--once', '--reset', '--only', '--port-base', '--directory']) expect(help).toContain(option);
});
