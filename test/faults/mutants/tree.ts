import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../../dev/places.ts';
import { type Outcome, outcomeOf } from './report.ts';
import type { NamedTest, SourceMutant } from './source-mutant.ts';

/** What a tree of its own needs to run tests. */
const PARTS = ['src', 'test', 'dev', 'migrations', 'crds', 'charts', 'package.json', 'tsconfig.json'];

/** A run that takes longer is ended, and proves nothing. */
const PATIENCE_MS = 120_000;

export type Servers = { readonly postgresUrl: string; readonly kubeconfig: string };

/** A copy of the product in which one place at a time is another; the checkout itself is never touched. */
export class MutantTree {
  readonly #directory: string;
  readonly #servers: Servers;
  readonly #seed: number;

  constructor(servers: Servers, seed: number) {
    this.#directory = mkdtempSync(join(tmpdir(), 'neurocards-mutant-'));
    this.#servers = servers;
    this.#seed = seed;
    for (const part of PARTS) cpSync(join(checkout, part), join(this.#directory, part), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(this.#directory, 'node_modules'));
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Runs a test with the mutant's place changed, and puts the place back. */
  async runWith({ file, find, replace }: SourceMutant, test: NamedTest): Promise<Outcome> {
    const path = join(this.#directory, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    try {
      return await this.run(test);
    } finally {
      writeFileSync(path, text);
    }
  }

  /** Runs a test on the tree as it is. */
  async run({ lane, file, test }: NamedTest): Promise<Outcome> {
    const report = join(this.#directory, 'report.json');
    rmSync(report, { force: true });
    await this.#vitest([
      ...['--project', lane, file, ...(test === undefined ? [] : ['-t', test])],
      ...['--reporter=json', `--outputFile.json=${report}`],
    ]);
    return outcomeOf(existsSync(report) ? readFileSync(report, 'utf8') : undefined);
  }

  #vitest(args: readonly string[]): Promise<void> {
    const program = join(this.#directory, 'node_modules/vitest/vitest.mjs');
    const config = join(this.#directory, 'test/faults/mutants/vitest.config.ts');
    const child = spawn(
      process.execPath,
      ['--preserve-symlinks', program, 'run', '--root', this.#directory, '--config', config, ...args],
      {
        cwd: this.#directory,
        stdio: 'ignore',
        timeout: PATIENCE_MS,
        killSignal: 'SIGKILL',
        env: {
          ...process.env,
          NEUROCARDS_TEST_SEED: String(this.#seed),
          NEUROCARDS_MUTANT_POSTGRES: this.#servers.postgresUrl,
          NEUROCARDS_MUTANT_KUBECONFIG: this.#servers.kubeconfig,
        },
      },
    );
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', () => resolve());
    });
  }
}
