import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { checkout } from '../places.ts';
import { type PartName, partNames, type StandInName, standInNames } from './command.ts';
import { defaultPortBase } from './ports.ts';

export interface DemoOptions {
  help: boolean;
  once: boolean;
  reset: boolean;
  directory: string;
  parts: readonly PartName[];
  standIns: readonly StandInName[];
  portBase: number;
}

/** What `--only` may name; `stand-ins` means all three of them. */
const selectable = [...standInNames, ...partNames.filter((name) => name !== 'stand-ins')] as const;
type Selectable = (typeof selectable)[number];

export const help = `npm run demo                     sets everything up, plays three orders, and stays up until Ctrl-C
npm run demo -- --once           ends after the three orders: exit code 0 only if all went as they should
npm run demo -- --reset          forgets the state of earlier runs first
npm run demo -- --only PARTS     starts the control plane, PostgreSQL and only these parts of it:
                                 ${selectable.join(', ')} (several with commas);
                                 prints how to start the others by hand, for example under a debugger
npm run demo -- --port-base N    the first of ten ports (${defaultPortBase} otherwise)
npm run demo -- --directory DIR  keeps everything there instead of .demo, for a second demo beside the first
                                 (npm run kubectl and npm run admin know only the first)

State, logs and addresses are in .demo/: logs/, endpoints.json, report.json.`;

/** Reads the command line. @throws DevEnvironmentError `BadSetting` with one sentence. */
export function readOptions(args: readonly string[]): DemoOptions {
  const values = parsed(args);
  const chosen = values.only === undefined ? [...selectable] : selection(values.only);
  const standIns = standInNames.filter((name) => chosen.includes(name));
  return {
    help: values.help === true,
    once: values.once === true,
    reset: values.reset === true,
    directory: resolve(values.directory),
    parts: partNames.filter((name) => (name === 'stand-ins' ? standIns.length > 0 : chosen.includes(name))),
    standIns,
    portBase: portBase(values['port-base']),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        once: { type: 'boolean' },
        reset: { type: 'boolean' },
        only: { type: 'string' },
        directory: { type: 'string', default: join(checkout, '.demo') },
        'port-base': { type: 'string', default: String(defaultPortBase) },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error)?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    const [sentence = ''] = error.message.split('. ');
    throw new DevEnvironmentError('BadSetting', `${sentence}: see npm run demo -- --help.`, { cause: error });
  }
}

function selection(list: string): Selectable[] {
  const named = list.split(',').flatMap((name) => (name.trim() === 'stand-ins' ? standInNames : [name.trim()]));
  return named.map((name) => {
    const known = selectable.find((one) => one === name);
    if (known !== undefined) return known;
    throw new DevEnvironmentError(
      'BadSetting',
      `--only does not know the part ${JSON.stringify(name)}: choose of ${selectable.join(', ')}.`,
    );
  });
}

function portBase(text: string): number {
  const base = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (base >= 1024 && base <= 65_526) return base;
  throw new DevEnvironmentError(
    'BadSetting',
    `--port-base must be a number from 1024 to 65526, and ${JSON.stringify(text)} is not.`,
  );
}
