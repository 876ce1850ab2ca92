import { parseArgs } from 'node:util';
import type { Tampering } from './network.ts';
import { WORKLOADS, type WorkloadName } from './schedule.ts';

/** What the command line asked for. */
export interface SimulateOptions {
  readonly help: boolean;
  readonly schedules: number;
  readonly seed: number;
  /** Play this one seed, tell all of it, and shrink it where it fails. */
  readonly replay: number | undefined;
  readonly workload: WorkloadName | undefined;
  readonly tampering: Tampering | undefined;
  /** Print the effects of a run without bad luck, and play nothing. */
  readonly effects: boolean;
  readonly keepGoing: boolean;
  /** Whether a failing schedule is made as short as it can be. */
  readonly shrink: boolean;
  readonly processes: number;
  /** For the processes of a run: play what the input names. */
  readonly batches: boolean;
}

export const HELP = `npm run simulate                              1,000 schedules from a random seed
npm run simulate -- --schedules 100000        a release's worth
npm run simulate -- --replay SEED             one schedule, told whole, and shrunk where it fails

Options, after "--":
  --schedules N      how many
  --seed N           the first schedule's seed; the others follow it
  --replay SEED      only this one
  --workload NAME    only schedules of this workload (${WORKLOADS.join(', ')})
  --no-shrink        tell a failing schedule as it was drawn
  --keep-going       count every failing schedule, instead of ending with the first
  --processes N      processes beside each other (2)
  --effects          print the names of a lucky run's effects, in order, and end; with one of these changed, if one is named:
  --skip EFFECT      answer every effect of that name as if it had been done, and do not do it
  --double EFFECT    do every effect of that name twice
  --swap EFFECT      do every effect of that name only after the next effect of the same process

It ends with one line of figures, and exits 1 with the seed when a promise was broken, when orders or faults are fewer than schedules,
or (from 10,000 schedules on) when a row of the crash table that can be reached was not.
`;

/** @throws Error for a value that makes no sense. */
export function parseOptions(args: readonly string[]): SimulateOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      schedules: { type: 'string' },
      seed: { type: 'string' },
      replay: { type: 'string' },
      workload: { type: 'string' },
      effects: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      processes: { type: 'string' },
      batches: { type: 'boolean', default: false },
      skip: { type: 'string' },
      double: { type: 'string' },
      swap: { type: 'string' },
    },
  });
  const number = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} needs a whole number, not "${text}".`);
    return value;
  };
  const workload = WORKLOADS.find((one) => one === values.workload);
  if (values.workload !== undefined && workload === undefined) {
    throw new Error(`There is no workload "${values.workload}". There are: ${WORKLOADS.join(', ')}.`);
  }
  return {
    ...{ help: values.help, effects: values.effects, keepGoing: values['keep-going'], workload },
    batches: values.batches,
    shrink: !values['no-shrink'],
    schedules: number('schedules', values.schedules) ?? 1_000,
    seed: number('seed', values.seed) ?? Math.floor(Math.random() * 2 ** 31),
    replay: number('replay', values.replay),
    processes: number('processes', values.processes) ?? 2,
    tampering: tamperingOf(values),
  };
}

function tamperingOf(values: { skip?: string; double?: string; swap?: string }): Tampering | undefined {
  for (const how of ['skip', 'double', 'swap'] as const) {
    const effect = values[how];
    if (effect !== undefined) return { how, effect };
  }
  return undefined;
}
