/** What the command line asked for. */
export type FaultsOptions =
  | { readonly mode: 'help' }
  | {
      readonly mode: 'mutants';
      readonly only: string | undefined;
      readonly sample: number | undefined;
      readonly seed: number;
    };

export const HELP = `npm run faults -- --mutants                 breaks the product in one place after another; ends with "caught N of M"
  --only TEXT    only mutants with this in their name
  --sample N     only N of each kind, chosen by the seed
  --seed N       the seed (1)
`;

/** @throws {Error} with a sentence for the person at the keyboard. */
export function parseFaultsOptions(args: readonly string[]): FaultsOptions {
  let mode: 'mutants' | undefined;
  let only: string | undefined;
  let sample: number | undefined;
  let seed = 1;
  const pending = [...args];
  for (let arg = pending.shift(); arg !== undefined; arg = pending.shift()) {
    if (arg === '--help' || arg === '-h') return { mode: 'help' };
    if (arg === '--mutants') mode = 'mutants';
    else if (arg === '--only') only = required(arg, pending.shift());
    else if (arg === '--sample') sample = wholeNumber(arg, required(arg, pending.shift()));
    else if (arg === '--seed') seed = wholeNumber(arg, required(arg, pending.shift()));
    else throw new Error(`There is no option "${arg}"; see --help.`);
  }
  if (mode === undefined) throw new Error('Say what to do, for example --mutants; see --help.');
  return { mode, only, sample, seed };
}

function required(option: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${option} needs a value; see --help.`);
  return value;
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${option} needs a whole number, not "${value}".`);
  return number;
}
