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
    const sound = new Map<string, Outcome>();
    try {
      for (const mutant of mutants) tell(await tryOne(mutant, tree, sound));
    } finally {
      tree.close();
    }
  });
}

async function tryOne(mutant: SourceMutant, tree: MutantTree, sound: Map<string, Outcome>): Promise<Verdict> {
  const { name, file, caughtBy } = mutant;
  const verdict = (caught: boolean, by: string): Verdict => ({ mutant: `${file}: ${name}`, caught, by });
  const before = sound.get(keyOf(caughtBy)) ?? (await tree.run(caughtBy));
  sound.set(keyOf(caughtBy), before);
  // A test that is red anyway notices nothing.
  if (before.kind !== 'passed')
    return verdict(false, `without the mistake ${caughtBy.file} does not pass: ${said(before)}`);
  const outcome = await tree.runWith(mutant, caughtBy);
  return verdict(outcome.kind === 'broken', outcome.kind === 'passed' ? `${caughtBy.file} passes` : said(outcome));
}

function said(outcome: Outcome): string {
  if (outcome.kind === 'broken') return outcome.by;
  return outcome.kind === 'unasked' ? `it could not be asked: ${outcome.why}` : 'it passes';
}

function keyOf({ file, test = '' }: NamedTest): string {
  return `${file} ${test}`;
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
