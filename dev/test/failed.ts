import { z } from 'zod';
import { readReport } from './counts.ts';

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().default(''),
      status: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

/**
 * A line for each test that failed and for each file that failed without one, for the end of the output: that is what is kept and
 * looked at first of a long run.
 *
 * @param json what vitest's JSON reporter wrote; an unreadable one names nothing, and its run is counted as failed all the same
 * @param root the directory that files are named from
 */
export function failedTests(json: string | undefined, root: string): string[] {
  const read = report.safeParse(readReport(json));
  if (!read.success) return [];
  return read.data.testResults.flatMap(({ name, message, status, assertionResults }) => {
    const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name;
    const failed = assertionResults.filter((one) => one.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [`${file}: ${firstLine(message)}`] : [];
    return failed.map((one) => `${file}: "${one.fullName.trim()}": ${firstLine(one.failureMessages?.[0])}`);
  });
}

function firstLine(text = ''): string {
  return text.split('\n')[0]?.slice(0, 200) ?? '';
}
