import { LANES, type Lane, laneNamed } from './lanes.ts';

/** What the command line asked for. */
export type Options = {
  readonly help: boolean;
  /** Whether types, lint, arrows and the like are checked before the tests. */
  readonly check: boolean;
  readonly lanes: readonly Lane[];
  /** Everything else goes to vitest as it stands: files, `-t NAME`, `--watch`. */
  readonly rest: readonly string[];
};

export const HELP = `npm test                                    everything: checks, then every lane, set-up included
npm run test:unit                           ${LANES[0]?.proves}
npm run test:integration -- FILE -t NAME    one file, one test, on a running control plane where there is one
npm run test:e2e                            ${LANES[3]?.proves}

Options of npm test, after "--":
  --lane NAME    only this lane (may be repeated); leaves the checks out
  --no-check     leave the checks out
  --seed N       the seed of every property test; printed by each run, random otherwise
  anything else goes to vitest: FILE, -t NAME, --bail 1, --watch

Lanes:
${LANES.map((lane) => `  ${lane.name.padEnd(12)} ${lane.proves}`).join('\n')}

Environment:
  NEUROCARDS_POSTGRES=testcontainers    PostgreSQL from a container instead of npm's
  NEUROCARDS_KEEP_STACK=1               lane faults: every whole system leaves its logs, and says where
`;

/** @throws {Error} when a lane is named that does not exist, or a value is missing. */
export function parseOptions(args: readonly string[]): Options & { readonly seed: number | undefined } {
  const lanes: Lane[] = [];
  const rest: string[] = [];
  let help = false;
  let check = true;
  let seed: number | undefined;
  const pending = [...args];
  for (let arg = pending.shift(); arg !== undefined; arg = pending.shift()) {
    if (arg === '--help' || arg === '-h') help = true;
    else if (arg === '--no-check') check = false;
    else if (arg === '--lane') lanes.push(laneNamed(required(arg, pending.shift())));
    else if (arg === '--seed') seed = wholeNumber(arg, required(arg, pending.shift()));
    else rest.push(arg);
  }
  const isNarrowed = lanes.length > 0 || rest.length > 0;
  return { help, check: check && !isNarrowed, lanes: lanes.length > 0 ? lanes : LANES, rest, seed };
}

function required(option: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${option} needs a value; see --help.`);
  return value;
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number)) throw new Error(`${option} needs a whole number, not "${value}".`);
  return number;
}
