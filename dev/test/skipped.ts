import type { Reporter, TestCase } from 'vitest/node';

/** Says at the end of a lane which tests were skipped and why: a skip nobody sees is a test nobody has. */
export default class SkippedTests implements Reporter {
  readonly #skips = new Map<string, string[]>();

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'skipped' || result.note === undefined) return;
    const reason = `${test.module.relativeModuleId}: ${result.note}`;
    this.#skips.set(reason, [...(this.#skips.get(reason) ?? []), test.fullName]);
  }

  onTestRunEnd(): void {
    for (const [reason, [first, ...others]] of this.#skips) {
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      console.log(`  skipped in ${reason} ("${first}"${more})`);
    }
  }
}
