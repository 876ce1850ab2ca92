import { describe, expect, it } from 'vitest';
import { KubeError } from '../../../src/kube/error.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { DatabaseError } from '../../../src/postgres/errors.ts';
import { unclassified } from './log-lines.ts';

/** The line as a process of ours writes it. */
function lineOf(level: 'warn' | 'error' | 'fatal', error?: unknown): string {
  const lines: string[] = [];
  const log = createLogger({ service: 'test' }, { write: (text: string) => lines.push(text) });
  log[level](error === undefined ? {} : { err: error }, 'something failed');
  return lines.join('').trim();
}

const kube = (status: number, reason: string): KubeError => new KubeError({ status, reason, message: reason });

describe('a line of a log', () => {
  it.each([
    ['a database that is away', new DatabaseError('Unavailable', 'away', undefined)],
    ['the word of the driver about it', Object.assign(new Error('terminating'), { code: '57P01' })],
    ['an API server that is away', kube(503, 'ServiceUnavailable')],
    ['a conflict', kube(409, 'Conflict')],
    ['an API server that has not read its roles yet', kube(403, 'Forbidden')],
    ['a time that ran out', new DOMException('late', 'TimeoutError')],
  ])('about %s has a name', (_, error) => {
    expect(unclassified(lineOf('error', error))).toBeUndefined();
  });

  it.each([
    ['a mistake of ours', new TypeError('x is not a function')],
    ['a broken rule of the books', new DatabaseError('Refused', 'refused', { constraint: 'one_settlement' })],
    ['a right that a role does not have', new DatabaseError('Forbidden', 'forbidden', undefined)],
    ['a request that the API server does not understand', kube(400, 'BadRequest')],
  ])('about %s has none, though it is only a warning', (_, error) => {
    expect(unclassified(lineOf('warn', error))).toContain('something failed');
  });

  it('without any error is nothing as a warning and something as an error', () => {
    expect(unclassified(lineOf('warn'))).toBeUndefined();
    expect(unclassified(lineOf('fatal'))).toBe('fatal "something failed"');
  });

  it('that is no line of the log is told, but for what Node warns of', () => {
    expect(unclassified('(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.')).toBeUndefined();
    expect(unclassified('Uncaught TypeError: x is not a function')).toContain('outside the log');
  });
});
