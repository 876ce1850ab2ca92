import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trackedFiles } from './files.ts';

/** Lines above which a file of code is more than one noun. */
const ALARM = 400;

/** Case tables and texts are read by row, tests by sentence: they may be longer. */
const MAY_BE_LONGER = [/\.test\.ts$/, /^src\/failure\//, /^src\/texts\//, /^test\//];

/** One line per TypeScript or SQL file of code that has grown over 400 lines. */
export async function longFiles(root: string): Promise<string[]> {
  const files = trackedFiles(root, ['*.ts', '*.sql', '*.mjs']).filter(
    (file) => !MAY_BE_LONGER.some((pattern) => pattern.test(file)),
  );
  const long: string[] = [];
  for (const file of files) {
    const lines = countLines(await readFile(join(root, file), 'utf8'));
    if (lines > ALARM)
      long.push(`${file}: ${lines} lines, and above ${ALARM} a file is more than one thing; split it.`);
  }
  return long;
}

/** A last line without a line break counts as one. */
export function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
