import { setTimeout as pause } from 'node:timers/promises';
import { DevEnvironmentError } from '../errors.ts';
import { freePort, requireFreePort } from '../port.ts';

export interface DemoPorts {
  etcdClient: number;
  etcdPeer: number;
  apiServer: number;
  controllerManager: number;
  postgres: number;
  telegram: number;
  kie: number;
  completions: number;
  bot: number;
  controller: number;
}

/** In the order of their offset from the base. */
const owners = {
  telegram: 'the chat page and the Telegram stand-in',
  kie: 'the KIE stand-in',
  completions: 'the chat completions stand-in',
  bot: 'the bot',
  controller: 'the controller',
  postgres: 'PostgreSQL',
  apiServer: 'kube-apiserver',
  etcdClient: 'etcd',
  etcdPeer: 'etcd',
  controllerManager: 'kube-controller-manager',
} as const satisfies Record<keyof DemoPorts, string>;

const names = Object.keys(owners) as (keyof DemoPorts)[];
export const defaultPortBase = 17080;

/**
 * Ten ports in a row, the same in every run, so that addresses can be remembered.
 * @param patienceMs how long a port may stay taken, by what an earlier demo left behind
 * @throws DevEnvironmentError `PortTaken`, naming the port and who wanted it.
 */
export async function portsFrom(base: number, patienceMs: number): Promise<DemoPorts> {
  const ports = assign((index) => base + index);
  const deadline = Date.now() + patienceMs;
  for (const name of names) await free(ports[name], owners[name], deadline);
  return ports;
}

async function free(port: number, owner: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      return await requireFreePort(port, owner);
    } catch (error) {
      if (!(error instanceof DevEnvironmentError) || error.reason !== 'PortTaken') throw error;
      if (Date.now() > deadline) {
        throw new DevEnvironmentError(
          'PortTaken',
          `Port ${port}, which ${owner} needs, is taken by another program: stop it (find it with: ss -ltnp 'sport = :${port}'), ` +
            'or choose other ports with npm run demo -- --port-base N.',
          { cause: error },
        );
      }
    }
    await pause(100);
  }
}

/** Free ports, for tests that run beside a demo. */
export async function freePorts(): Promise<DemoPorts> {
  const chosen = new Set<number>();
  while (chosen.size < names.length) chosen.add(await freePort());
  const list = [...chosen];
  return assign((index) => list[index] ?? 0);
}

function assign(portAt: (index: number) => number): DemoPorts {
  const at = (name: keyof DemoPorts): number => portAt(names.indexOf(name));
  return {
    telegram: at('telegram'),
    kie: at('kie'),
    completions: at('completions'),
    bot: at('bot'),
    controller: at('controller'),
    postgres: at('postgres'),
    apiServer: at('apiServer'),
    etcdClient: at('etcdClient'),
    etcdPeer: at('etcdPeer'),
    controllerManager: at('controllerManager'),
  };
}
