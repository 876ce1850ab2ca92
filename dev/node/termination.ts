import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Container } from './pod.ts';

/** A kubelet reads this much of a termination message file, and this much of a log in its place. */
const FILE_BYTES = 4096;
const LOG_BYTES = 2048;
const LOG_LINES = 80;

/**
 * What a container left as its last words: its termination message file; where that is empty, the container failed
 * and its policy is `FallbackToLogsOnError`, the end of its log. Undefined when it left nothing.
 */
export function terminationMessage(
  policy: Container['terminationMessagePolicy'],
  exitCode: number,
  files: { message: string; log: string },
): string | undefined {
  const message = readPart(files.message, FILE_BYTES, 'head');
  if (message !== '') return message;
  if (policy !== 'FallbackToLogsOnError' || exitCode === 0) return undefined;
  const lines = readPart(files.log, LOG_BYTES, 'tail').split('\n');
  const kept = lines.slice(-LOG_LINES - (lines.at(-1) === '' ? 1 : 0)).join('\n');
  return kept === '' ? undefined : kept;
}

function readPart(path: string, bytes: number, part: 'head' | 'tail'): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const buffer = Buffer.alloc(bytes);
    const position = part === 'head' ? 0 : Math.max(0, fstatSync(file).size - bytes);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, bytes, position));
  } finally {
    closeSync(file);
  }
}
