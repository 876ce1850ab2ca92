import { z } from 'zod';

/** How many tests passed, failed and were skipped. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
});

export function add(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/**
 * The counts of one run of vitest.
 *
 * The exit code is trusted over the counts: a file that cannot be imported, an unhandled error and a failed set-up all
 * leave `numFailedTests` at 0 (seen with vitest 5.1.1), so a red exit counts as at least one failed test.
 *
 * @param json what the JSON reporter wrote; undefined when it wrote nothing
 */
export function countsOf(json: string | undefined, exitCode: number): Counts {
  const read = report.safeParse(readReport(json));
  const counts = read.success
    ? {
        passed: read.data.numPassedTests,
        failed: read.data.numFailedTests,
        skipped: read.data.numPendingTests + read.data.numTodoTests,
      }
    : NONE;
  const isRed = exitCode !== 0 || !read.success;
  return isRed && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** The text of vitest's JSON reporter as an object; undefined where there is none, or none that can be read. */
export function readReport(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The line that closes every run, read by machines and people. */
export function closingLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
