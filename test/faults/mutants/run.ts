import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { erasePostgres, startPostgres } from '../../../dev/postgres/server.ts';
import { migrate } from '../../../src/postgres/migrate.ts';
import { effectMutants, tryEffects } from './effects.ts';
import { sourceMutants } from './entries/all.ts';
import type { MutantKind } from './kinds.ts';
import type { Verdict } from './mutant.ts';
import { type Pick, picked } from './pick.ts';
import { FurnishedDatabase } from './schema.ts';
import { trySources } from './sources.ts';

export type MutantOptions = Pick & {
  /** Only this kind. */
  readonly kind?: MutantKind | undefined;
  readonly print?: (line: string) => void;
};

/** What a run came to. */
export type MutantRun = { readonly verdicts: readonly Verdict[]; readonly green: boolean };

/** The share of all mutants that must be caught. */
const GOAL = 0.95;

/**
 * Breaks the product in one place after another and sees whether anything says so. Prints a line for each mutant, the survivors with
 * the reason, and at the end `caught N of M`. Green when 95 of 100 are caught.
 */
export async function runMutants(options: MutantOptions): Promise<MutantRun> {
  const print = options.print ?? console.log;
  const verdicts: Verdict[] = [];
  const tell = (verdict: Verdict): void => {
    verdicts.push(verdict);
    print(`${wordFor(verdict)}  ${verdict.mutant}  --  ${verdict.by}`);
  };
  if (wants(options, 'schema')) await trySchema(options, tell);
  if (wants(options, 'effect'))
    await tryEffects(picked(await effectMutants(options.seed), options), options.seed, tell);
  if (wants(options, 'source')) await trySources(picked(sourceMutants, options), options.seed, tell);
  return close(verdicts, print);
}

const wants = ({ kind }: MutantOptions, one: MutantKind): boolean => kind === undefined || kind === one;

function wordFor({ caught, promised }: Verdict): string {
  if (caught) return 'caught  ';
  return promised === true ? 'harmless' : 'SURVIVED';
}

function close(all: readonly Verdict[], print: (line: string) => void): MutantRun {
  // What the protocol promises to survive, and survives, is no mutant.
  const verdicts = all.filter(({ promised }) => promised !== true);
  const survivors = verdicts.filter(({ caught }) => !caught);
  if (survivors.length > 0) print('\nSurvivors:');
  for (const { mutant, by } of survivors) print(`  ${mutant}: ${by}`);
  const caught = verdicts.length - survivors.length;
  const harmless = all.length - verdicts.length;
  if (harmless > 0) print(`\n${harmless} more changes are harmless, as the protocol promises`);
  print(`\ncaught ${caught} of ${verdicts.length}`);
  return { verdicts, green: verdicts.length > 0 && caught / verdicts.length >= GOAL };
}

/** Every constraint, trigger and unique index of the ledger, dropped one at a time. */
async function trySchema(options: MutantOptions, tell: (verdict: Verdict) => void): Promise<void> {
  await withPostgres(async (serverUrl, template) => {
    const furnished = await FurnishedDatabase.make(serverUrl, template);
    try {
      for (const mutant of picked(await furnished.mutants(), options)) tell(await furnished.try(mutant));
    } finally {
      await furnished.close();
    }
  });
}

/** A PostgreSQL for the time of `use`, and the name of a migrated database in it. */
async function withPostgres<T>(use: (serverUrl: string, template: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-mutants-'));
  const postgres = await startPostgres({ directory, ephemeral: true });
  try {
    const template = 'migrated';
    await postgres.createDatabase(template);
    await migrate({ ownerUrl: postgres.urlFor(template) });
    return await use(postgres.ownerUrl, template);
  } finally {
    await postgres.close();
    erasePostgres(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
