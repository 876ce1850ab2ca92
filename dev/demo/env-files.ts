import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkout } from '../places.ts';
import { type CommandPlaces, commandOf, type PartName, type StandInName, standInNames } from './command.ts';
import type { Environments } from './environments.ts';

const fileNames = {
  bot: 'bot',
  controller: 'controller',
  standIns: 'stand-ins',
  generate: 'generate',
  deliver: 'deliver',
} as const satisfies Record<keyof Environments, string>;

/** Writes `.demo/env/<part>.env`, for `node --env-file=.demo/env/bot.env src/main.ts bot` under a debugger. */
export function writeEnvironmentFiles(directory: string, environments: Environments): void {
  const folder = join(directory, 'env');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const part of ['bot', 'controller', 'standIns', 'generate', 'deliver'] as const) {
    const lines = Object.entries(environments[part]).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    writeFileSync(join(folder, `${fileNames[part]}.env`), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}

/** The command line that starts a part which was left out, from the top of the checkout. */
export function commandByHand(part: PartName | StandInName, places: CommandPlaces): string {
  const near = (path: string): string => (path.startsWith('/') ? relative(checkout, path) : path);
  const file = (name: string): string => `--env-file=${near(join(places.directory, 'env', `${name}.env`))}`;
  const standIn = standInNames.find((name) => name === part);
  if (part === 'bot' || part === 'controller') return `npm exec -- node --inspect ${file(part)} src/main.ts ${part}`;
  const { args } = commandOf(standIn === undefined ? 'node' : 'stand-ins', {
    ...places,
    standIns: standIn === undefined ? places.standIns : [standIn],
  });
  const rest = args.slice(2).map(near).join(' ');
  return `npm exec -- node --inspect ${standIn === undefined ? '' : `${file('stand-ins')} `}${rest}`;
}
