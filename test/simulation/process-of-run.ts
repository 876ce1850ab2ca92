import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Tally, tallySchema } from './tally.ts';

/** Nearly everything of a schedule dies with it: with more room for the young, hardly anything is copied. */
const youngSpace = '--max-semi-space-size=64';
/** A schedule that plays for so many looks at it has code in it that never waits for anything. */
const endlessLooks = 4;
/** Looks, not one long wait: of a machine that slept only one comes too early. */
const lookMs = 15_000;

export class EndlessError extends Error {
  override readonly name = 'EndlessError';
  readonly reason = 'Endless';
  constructor(seed: number) {
    super(
      `seed ${seed} does not end: something in it goes round and round without waiting. ` +
        `Look where with: node --inspect test/simulation/main.ts --replay ${seed}`,
    );
  }
}

/**
 * A process that plays one batch after another until there is none: the faster core plays more of them.
 * @throws EndlessError where a schedule does not end: code that never waits can only be ended from outside.
 */
export function processOf(
  seed: number,
  signal: AbortSignal,
  give: () => number | undefined,
  take: (tally: Tally) => void,
): Promise<void> {
  const args = [...process.argv.slice(1), '--batches', '--seed', String(seed)];
  const child = spawn(process.execPath, [youngSpace, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  signal.addEventListener('abort', () => child.kill(), { once: true });
  // What a process that has ended is still given is of no interest: its exit says why.
  child.stdin.on('error', () => undefined);
  const next = (): void => {
    const first = give();
    if (first === undefined) child.stdin.end();
    else child.stdin.write(`${first}\n`);
  };
  let playing = seed;
  let endless: EndlessError | undefined;
  let looks = 0;
  const watch = setInterval(() => {
    looks += 1;
    if (looks < endlessLooks) return;
    endless = new EndlessError(playing);
    child.kill('SIGKILL');
  }, lookMs);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (signal.aborted) return;
    looks = 0;
    if (/^\d+$/.test(line)) {
      playing = Number(line);
      return;
    }
    take(tallySchema.parse(JSON.parse(line)));
    next();
  });
  next();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killed) => {
      clearInterval(watch);
      if (endless !== undefined) reject(endless);
      else if (code === 0 || (killed !== null && signal.aborted)) resolve();
      else reject(new Error(`a process of the simulation ended with ${code ?? killed}`));
    });
  });
}
