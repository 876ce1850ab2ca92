import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from '../../../dev/places.ts';
import type { Verdict } from './mutant.ts';
import { promised } from './promised.ts';

/** What is done to every effect of one name. */
const WAYS = ['skip', 'double', 'swap'] as const;
type Way = (typeof WAYS)[number];

export type EffectMutant = { readonly name: string; readonly way: Way; readonly effect: string };

/** Schedules in which a mutant has to be noticed; the product as it is breaks nothing in them. */
const SCHEDULES = 20;
const PATIENCE_MS = 180_000;
/** `seed 12: doubled: paid tasks: order x had 2`: which oracle of which schedule said what. */
const SAID = /^seed \d+: .+$/m;

type Ended = { readonly code: number | null; readonly output: string; readonly errors: string };

function simulate(args: readonly string[]): Promise<Ended> {
  const program = join(checkout, 'test/simulation/main.ts');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: checkout,
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (part: Buffer) => {
    output += part.toString();
  });
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}

/** The names of the effects of a run without bad luck, in order, with one of them changed where one is named. */
async function luckyRun(change: readonly string[] = []): Promise<string[]> {
  const { code, output } = await simulate(['--effects', ...change]);
  return code === 0 ? [...new Set(output.split('\n').filter((line) => line !== ''))] : [];
}

/** Every effect that the reference run of the simulation records, skipped, doubled, and swapped with its successor. */
export async function effectMutants(): Promise<EffectMutant[]> {
  const effects = await luckyRun();
  if (effects.length === 0) throw new Error('The simulation did not tell the effects of its reference run.');
  return effects.flatMap((effect) => WAYS.map((way) => ({ name: `simulation: ${way} ${effect}`, way, effect })));
}

const options = (seed: number): string[] => [
  ...['--schedules', String(SCHEDULES), '--seed', String(seed)],
  ...['--processes', '1', '--no-shrink'],
];

/**
 * Tries them so many at a time. Two things count: that the lucky run no longer comes to what the reference run comes to, and an
 * oracle's word about a schedule in which it is silent without the mutant.
 */
export async function tryEffects(
  mutants: readonly EffectMutant[],
  seed: number,
  tell: (verdict: Verdict) => void,
  atOnce = 2,
): Promise<void> {
  if (mutants.length === 0) return;
  const reference = await luckyRun();
  const sound = await simulate(options(seed));
  if (sound.code !== 0) throw new Error(`The simulation is red without a mutant: ${sound.errors.slice(0, 300)}`);
  const left = mutants.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const mutant of left) tell(await tryOne(mutant, reference, seed));
    }),
  );
}

async function tryOne(
  { name, way, effect }: EffectMutant,
  reference: readonly string[],
  seed: number,
): Promise<Verdict> {
  const change = [`--${way}`, effect];
  const changed = await luckyRun(change);
  const missing = reference.filter((one) => one !== effect && !changed.includes(one));
  if (missing.length > 0 && changed.length > 0) {
    const what = missing.map((one) => `"${one}"`).join(', ');
    return { mutant: name, caught: true, by: `differential: the lucky run never comes to ${what}` };
  }
  const { code, errors } = await simulate([...options(seed), ...change]);
  const said = code === 1 ? SAID.exec(errors)?.[0] : undefined;
  if (said !== undefined) return { mutant: name, caught: true, by: said.slice(0, 200) };
  const promise = promised(way, effect);
  return {
    mutant: name,
    caught: false,
    by: code === 0 ? (promise ?? `${SCHEDULES} schedules keep every promise`) : 'the simulation ended without a word',
    ...(code === 0 && promise !== undefined ? { promised: true } : {}),
  };
}
