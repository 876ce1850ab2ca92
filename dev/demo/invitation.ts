import { join } from 'node:path';
import { type CommandPlaces, type PartName, partNames, type StandInName, standInNames } from './command.ts';
import { commandByHand } from './env-files.ts';
import type { DemoOptions } from './options.ts';
import type { Stack } from './stack.ts';
import type { View } from './view.ts';

/** What to try next, with everything up. */
export function invite(stack: Stack, view: View): void {
  const { chat, kubeconfig } = stack.endpoints();
  view.heading('Try it');
  view.note(`be the customer      ${chat}`);
  view.note('look as an SRE       npm run kubectl -- get videojobs');
  view.note(`  with your kubectl  export KUBECONFIG=${kubeconfig}`);
  view.note('who waits and why    npm run admin -- order show ORDER');
  view.note('kill something       the pids are in .demo/endpoints.json; it comes back, and no order is lost');
  view.note('Ctrl-C stops everything; the state stays for the next start (--reset forgets it)');
}

/** How to start what was left out, from another terminal. */
export function inviteByHand(stack: Stack, { parts, standIns }: DemoOptions, view: View): void {
  const { controlPlane, directory, environments, ports } = stack;
  const places: CommandPlaces = {
    directory,
    bundle: join(directory, 'bundle'),
    kubeconfig: controlPlane.kubeconfig,
    ports,
    environments,
    standIns,
    renderSeconds: 6,
  };
  const left: (PartName | StandInName)[] = [
    ...standInNames.filter((name) => !standIns.includes(name)),
    ...partNames.filter((name) => name !== 'stand-ins' && !parts.includes(name)),
  ];
  view.heading('Left to you, each from another terminal here');
  for (const part of left) view.note(`${part.padEnd(12)} ${commandByHand(part, places)}`);
  view.note('Ctrl-C stops what runs here; the state stays for the next start');
}
