import { z } from 'zod';

const report = z.object({
  testResults: z.array(
    z.object({
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});

/** What a run of a test file came to. */
export type Outcome =
  | { readonly kind: 'passed' }
  /** A named test said that something is not as it should be. */
  | { readonly kind: 'broken'; readonly by: string }
  /** It could not be asked: an import, a start, a time limit. */
  | { readonly kind: 'unasked'; readonly why: string };

/**
 * What counts: a comparison that failed, a message that a person was to see and did not, a promise that an order's world found broken, a
 * rule of the schema that had to refuse.
 */
const SAID =
  /AssertionError|BrokenPromise|expected .+ to |instead of (resolving|rejecting)|was not seen; the chat has|the database refused the change \(/;

/** Reads vitest's JSON report; undefined is a run that ended without one. */
export function outcomeOf(text: string | undefined): Outcome {
  if (text === undefined) return { kind: 'unasked', why: 'the run ended without a report' };
  const { testResults } = report.parse(JSON.parse(text));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.filter(({ status }) => status === 'failed');
  for (const { fullName, failureMessages } of failed) {
    const said = failureMessages.find((message) => SAID.test(message));
    if (said !== undefined) return { kind: 'broken', by: `"${fullName.trim()}": ${firstLine(said)}` };
  }
  const other = failed[0]?.failureMessages[0] ?? testResults.find(({ message }) => message !== '')?.message;
  if (other !== undefined) return { kind: 'unasked', why: firstLine(other) };
  return tests.some(({ status }) => status === 'passed')
    ? { kind: 'passed' }
    : { kind: 'unasked', why: 'no test of that name ran' };
}

function firstLine(message: string): string {
  const lines = message.split('\n');
  return (lines.find((line) => SAID.test(line)) ?? lines[0] ?? '').trim().slice(0, 200);
}
