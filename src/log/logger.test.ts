import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeError, reasonOf } from './error.ts';
import { createLogger } from './logger.ts';

function capture() {
  const lines: string[] = [];
  const log = createLogger({ service: 'test' }, { write: (line: string) => lines.push(line) });
  const last = () => z.record(z.string(), z.unknown()).parse(JSON.parse(lines.at(-1) ?? '{}'));
  return { log, lines, last };
}

test('a line is JSON with level, time, service and message', () => {
  const { log, last } = capture();
  log.child({ order: 'abc' }).warn({ attempt: 2 }, 'Submitted');
  const { time, ...rest } = last();
  expect(time).toMatch(/^\d{4}-.*Z$/);
  expect(rest).toEqual({
    level: 'warn',
    service: 'test',
    order: 'abc',
    attempt: 2,
    msg: 'Submitted',
  });
});

test.each([
  ['a Telegram token in a URL', 'https://api.telegram.org/bot123456:AAE-x_y/sendVideo failed', 'AAE-x_y'],
  ['a Telegram token alone', 'token 1234567:AAEabcdefghijklmnopqrstuvwxyz_123456', 'AAEabc'],
  ['a bearer token', 'sent Authorization: Bearer sk-abc.def', 'sk-abc'],
  ['the password of a database', 'connect postgres://bot:hunter2@db:5432/x', 'hunter2'],
  ['a signature', 'GET https://s3/x?X-Amz-Signature=deadbeef&y=1', 'deadbeef'],
])('%s never reaches a line, in whatever field it came', (_, text, secret) => {
  const { log, lines } = capture();
  log.info({ deep: { field: text }, err: new Error(text, { cause: new Error(text) }) }, text);
  expect(lines.join('')).not.toContain(secret);
  expect(() => JSON.parse(lines.join('')) as unknown).not.toThrow();
});

test('an error is told with reason and causes, and without what clients hang on it', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', response: { body: 'private words' } });
  const error = Object.assign(new Error('no answer', { cause }), { reason: 'Network', status: 0, request: 'private' });
  const told = describeError(error);
  expect(told).toMatchObject({
    type: 'Error',
    message: 'no answer',
    reason: 'Network',
    status: 0,
    cause: { message: 'refused', code: 'ECONNREFUSED' },
  });
  expect(JSON.stringify(told)).not.toContain('private');
  expect([reasonOf(error), reasonOf(cause), reasonOf('x')]).toEqual(['Network', 'ECONNREFUSED', 'Unknown']);
});

test('a chain of causes that bites its tail ends', () => {
  const error = new Error('round');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).length).toBeLessThan(5_000);
});
