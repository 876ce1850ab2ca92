import { join } from 'node:path';
import { checkout } from '../places.ts';
import { jobsNamespace } from './cluster.ts';
import type { Environments } from './environments.ts';
import type { DemoPorts } from './ports.ts';

/** Parts that are processes of their own and can be left out, to be started by hand. */
export const partNames = ['stand-ins', 'node', 'bot', 'controller'] as const;
export type PartName = (typeof partNames)[number];

/** What one process of stand-ins plays. */
export const standInNames = ['telegram', 'kie', 'completions'] as const;
export type StandInName = (typeof standInNames)[number];

export interface CommandPlaces {
  directory: string;
  bundle: string;
  /** The administrator's. */
  kubeconfig: string;
  ports: DemoPorts;
  environments: Environments;
  standIns: readonly StandInName[];
  /** Seconds a KIE task takes. */
  renderSeconds: number;
}

/** How a part is started: arguments for our Node, and its whole environment. */
export function commandOf(name: PartName, places: CommandPlaces): { args: string[]; env: Record<string, string> } {
  const { directory, bundle, kubeconfig, environments } = places;
  const base = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: directory };
  switch (name) {
    case 'stand-ins':
      return { args: standInArguments(places), env: { ...base, ...environments.standIns } };
    case 'node':
      return {
        args: [
          ...source('dev/node/main.ts'),
          ...['--kubeconfig', kubeconfig, '--directory', join(directory, 'node'), '--namespace', jobsNamespace],
          ...['--runner-bundle', join(bundle, 'runner.mjs')],
          // Well within the time that a part has to stop: a node that is killed leaves its pods behind.
          ...['--shutdown-seconds', '5'],
        ],
        env: base,
      };
    case 'bot':
    case 'controller':
      return {
        // Without source maps, as in the image: they cost 90 MB in each process.
        args: [join(bundle, 'main.mjs'), name],
        env: { ...base, ...environments[name] },
      };
  }
}

function standInArguments({ directory, ports, standIns, renderSeconds }: CommandPlaces): string[] {
  return [
    ...source('dev/stand-ins/main.ts'),
    ...['--only', standIns.join(',')],
    ...['--telegram-port', String(ports.telegram), '--kie-port', String(ports.kie)],
    ...['--completions-port', String(ports.completions), '--state', join(directory, 'stand-ins')],
    ...['--seconds', String(renderSeconds)],
  ];
}

function source(path: string): string[] {
  return ['--import', join(checkout, 'dev/guard.mjs'), join(checkout, path)];
}
