import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireSharedControlPlane } from '../../../dev/control-plane/reuse.ts';
import { erasePostgres, startPostgres } from '../../../dev/postgres/server.ts';
import type { Verdict } from './mutant.ts';
import type { Outcome } from './report.ts';
import type { NamedTest, SourceMutant } from './source-mutant.ts';
import { MutantTree, type Servers } from './tree.ts';

/** Tries the mistakes one after another in a copy of the checkout, each against the test that has to notice it. */
export async function trySources(
  mutants: readonly SourceMutant[],
  seed: number,
  tell: (verdict: Verdict) => void,
): Promise<void> {
  if (mutants.length === 0) return;
  await withServers(mutants, async (servers) => {
    const tree = new MutantTree(servers, seed);
    const sound = new Soundness(tree, mutants);
    try {
      for (const mutant of mutants) tell(await tryOne(mutant, tree, sound));
    } finally {
      tree.close();
    }
  });
}

async function tryOne(mutant: SourceMutant, tree: MutantTree, sound: Soundness): Promise<Verdict> {
  const { name, file, caughtBy } = mutant;
  const verdict = (caught: boolean, by: string): Verdict => ({ mutant: `${file}: ${name}`, caught, by });
  const before = await sound.of(caughtBy);
  // A test that is red anyway notices nothing.
  if (before.kind !== 'passed') return verdict(false, `without the mistake ${caughtBy.file} is red: ${said(before)}`);
  const outcome = await tree.runWith(mutant, caughtBy);
  return verdict(outcome.kind === 'broken', outcome.kind === 'passed' ? `${caughtBy.file} passes` : said(outcome));
}

/** What the tests say of the tree as it is: each file once with all its sentences, one by one only where that is red. */
class Soundness {
  readonly #tree: MutantTree;
  readonly #tests: readonly NamedTest[];
  readonly #files = new Map<string, Outcome>();

  constructor(tree: MutantTree, mutants: readonly SourceMutant[]) {
    this.#tree = tree;
    this.#tests = mutants.map(({ caughtBy }) => caughtBy);
  }

  async of(test: NamedTest): Promise<Outcome> {
    const whole = this.#files.get(test.file) ?? (await this.#tree.run(this.#together(test)));
    this.#files.set(test.file, whole);
    return whole.kind === 'passed' ? whole : this.#tree.run(test);
  }

  #together(test: NamedTest): NamedTest {
    const names = this.#tests.filter(({ file }) => file === test.file).map(({ test: name }) => name);
    const { test: _one, ...rest } = test;
    const known = names.filter((name) => name !== undefined);
    return known.length === names.length ? { ...rest, test: [...new Set(known)].join('|') } : rest;
  }
}

function said(outcome: Outcome): string {
  if (outcome.kind === 'broken') return outcome.by;
  return outcome.kind === 'unasked' ? `it could not be asked: ${outcome.why}` : 'it passes';
}

/** One PostgreSQL for all of them, and an API server where a test needs one. */
async function withServers(mutants: readonly SourceMutant[], use: (servers: Servers) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-mutants-'));
  const postgres = await startPostgres({ directory, ephemeral: true });
  const cluster = mutants.some(({ caughtBy }) => caughtBy.cluster === true)
    ? await acquireSharedControlPlane()
    : undefined;
  try {
    await use({ postgresUrl: postgres.ownerUrl, kubeconfig: cluster?.kubeconfig ?? '' });
  } finally {
    await cluster?.release();
    await postgres.close();
    erasePostgres(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
