import { type MutantKind, mutantKinds } from './mutants/kinds.ts';

/** What the command line asked for. */
export type FaultsOptions =
  | { readonly mode: 'help' }
  | {
      readonly mode: 'schedules';
      readonly schedules: number;
      readonly seed: number;
      /** Only the schedule of this number. */
      readonly only: number | undefined;
      readonly lanes: number;
      /** Only workloads and stories with this in their name. */
      readonly about: string | undefined;
    }
  | {
      readonly mode: 'mutants';
      readonly kind: MutantKind | undefined;
      readonly only: string | undefined;
      readonly sample: number | undefined;
      readonly seed: number;
    };

export const HELP = `npm run faults -- --schedules 200            plays orders on whole systems and strikes them; ends with one line of figures
  --schedules N  how many; each is at least one order and one fault
  --seed N       the seed they are drawn with; printed by each run, random otherwise
  --replay N.M   only schedule M of the run with seed N (with the --schedules of that run, 200 unless said)
  --lanes N      whole systems side by side (3)
  --about TEXT   only workloads with this in their name; the same seed then draws others
npm run faults -- --mutants                 breaks the product in one place after another; ends with "caught N of M"
  --kind KIND    only one kind: ${mutantKinds.join(', ')}
  --only TEXT    only mutants with this in their name or file
  --sample N     only N of each kind, chosen by the seed
  --seed N       the seed (1)
`;

/** @throws {Error} with a sentence for the person at the keyboard. */
export function parseFaultsOptions(args: readonly string[]): FaultsOptions {
  const given = new Map<string, string>();
  const pending = [...args];
  for (let arg = pending.shift(); arg !== undefined; arg = pending.shift()) {
    if (arg === '--help' || arg === '-h') return { mode: 'help' };
    if (arg === '--mutants') given.set(arg, '');
    else if (known.has(arg)) given.set(arg, required(arg, pending.shift()));
    else throw new Error(`There is no option "${arg}"; see --help.`);
  }
  const number = (name: string): number | undefined => {
    const value = given.get(name);
    return value === undefined ? undefined : wholeNumber(name, value);
  };
  if (given.has('--mutants')) {
    return {
      mode: 'mutants',
      kind: kindNamed(given.get('--kind')),
      only: given.get('--only'),
      sample: number('--sample'),
      seed: number('--seed') ?? 1,
    };
  }
  const replay = /^(\d+)\.(\d+)$/.exec(given.get('--replay') ?? '');
  if (given.has('--replay') && replay === null)
    throw new Error('--replay needs a seed and a number, such as 8161.37; see --help.');
  if (replay === null && !given.has('--schedules')) {
    throw new Error('Say what to do: --schedules N, --replay N.M or --mutants; see --help.');
  }
  return {
    mode: 'schedules',
    schedules: number('--schedules') ?? 200,
    seed: replay === null ? (number('--seed') ?? Math.floor(Math.random() * 1_000_000)) : Number(replay[1]),
    only: replay === null ? undefined : Number(replay[2]),
    lanes: number('--lanes') ?? (replay === null ? 3 : 1),
    about: given.get('--about'),
  };
}

const known = new Set(['--schedules', '--seed', '--replay', '--lanes', '--about', '--kind', '--only', '--sample']);

function required(option: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${option} needs a value; see --help.`);
  return value;
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${option} needs a whole number, not "${value}".`);
  return number;
}

function kindNamed(name: string | undefined): MutantKind | undefined {
  const found = mutantKinds.find((kind) => kind === name);
  if (found === undefined && name !== undefined) throw new Error(`There is no kind "${name}" of mutants; see --help.`);
  return found;
}
