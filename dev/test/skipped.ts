import type { Reporter, TestCase } from 'vitest/node';

/** Says at the end of a lane which tests were skipped and why: a skip nobody sees is a test nobody has. */
export default class SkippedTests implements Reporter {
  readonly #lines: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== 'skipped' || result.note === undefined) return;
    this.#lines.push(`  skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${result.note}`);
  }

  onTestRunEnd(): void {
    if (this.#lines.length > 0) console.log(`\n${this.#lines.join('\n')}`);
  }
}
