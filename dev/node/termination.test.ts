import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { terminationMessage } from './termination.ts';

let directory: string;
const files = () => ({ message: join(directory, 'message'), log: join(directory, 'log') });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'neurocards-termination-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('the first 4096 bytes of the message file are the last words, whatever the policy', () => {
  writeFileSync(files().message, 'x'.repeat(5000));
  expect(terminationMessage('FallbackToLogsOnError', 1, files())).toBe('x'.repeat(4096));
});

test('the end of the log stands in only where it was asked for and the container failed', () => {
  writeFileSync(files().log, Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join(''));
  expect(terminationMessage('File', 1, files())).toBeUndefined();
  expect(terminationMessage('FallbackToLogsOnError', 0, files())).toBeUndefined();
  const message = terminationMessage('FallbackToLogsOnError', 1, files()) ?? '';
  expect(message.split('\n').length).toBe(81);
  expect(message.startsWith('line 20\n')).toBe(true);
  expect(message.endsWith('line 99\n')).toBe(true);
});
