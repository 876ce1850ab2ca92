/** The environment is wrong. The message has one sentence a problem, each with its remedy, and never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly reason = 'ConfigInvalid';
  readonly problems: readonly string[];

  constructor(service: string, problems: readonly string[]) {
    const count = problems.length === 1 ? 'one setting is' : `${problems.length} settings are`;
    super(`neurocards ${service} cannot start: ${count} wrong.\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.problems = problems;
  }
}
