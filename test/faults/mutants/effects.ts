import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from '../../../dev/places.ts';
import { type EffectMutant, type EffectVerdict, effectMutantList, effectVerdict } from './effect-mutant.ts';
import type { Verdict } from './mutant.ts';
import { promised, unnoticed } from './promised.ts';

/** The longest that one mutant may be played; one that never ends proves nothing. */
const PATIENCE_MS = 180_000;

/** Every effect that the reference runs of the simulation record, skipped, doubled, and swapped with its successor. */
export async function effectMutants(seed: number): Promise<EffectMutant[]> {
  const lines: string[] = [];
  await player({ seed, list: true }, (line) => void lines.push(line));
  return effectMutantList.parse(JSON.parse(lines.join('')));
}

/**
 * Tries them in so many processes. Two things count: that a lucky run no longer ends as the reference run ends, and an oracle's word
 * about a schedule in which it is silent without the mutant.
 */
export async function tryEffects(
  mutants: readonly EffectMutant[],
  seed: number,
  tell: (verdict: Verdict) => void,
  processes = 2,
): Promise<void> {
  const shares = Array.from({ length: processes }, (_, part) => mutants.filter((_one, at) => at % processes === part));
  await Promise.all(shares.map((share) => tryShare(share, seed, tell)));
}

/** Begins again behind a mutant that a process did not come to an end with. */
async function tryShare(share: readonly EffectMutant[], seed: number, tell: (verdict: Verdict) => void): Promise<void> {
  let left = [...share];
  while (left.length > 0) {
    const names = left.map(({ name }) => name);
    await player({ seed, names }, (line) => {
      const said = effectVerdict.parse(JSON.parse(line));
      const mutant = left.find(({ name }) => name === said.name);
      if (mutant === undefined) return;
      left = left.filter((one) => one !== mutant);
      tell(verdictOf(mutant, said));
    });
    const [unended] = left;
    if (unended === undefined) return;
    tell({ mutant: unended.name, caught: false, by: 'the simulation ended without a word' });
    left = left.slice(1);
  }
}

function verdictOf({ name, way, effect }: EffectMutant, { caughtBy, tried }: EffectVerdict): Verdict {
  if (caughtBy !== null) return { mutant: name, caught: true, by: caughtBy.slice(0, 200) };
  const promise = promised(way, effect);
  return promise === undefined
    ? { mutant: name, caught: false, by: `${unnoticed(way, effect)} (${tried} schedules keep every promise)` }
    : { mutant: name, caught: false, by: promise, promised: true };
}

/** A process of the simulation; ends it when it has said nothing for too long. */
function player(share: object, take: (line: string) => void): Promise<void> {
  const program = join(checkout, 'test/faults/mutants/effect-player.ts');
  const child = spawn(process.execPath, ['--max-semi-space-size=64', program, JSON.stringify(share)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    patience.refresh();
    take(line);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(patience);
      resolve();
    });
  });
}
