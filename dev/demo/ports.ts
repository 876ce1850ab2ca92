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
 * @throws DevEnvironmentError `PortTaken`, naming the port and who wanted it.
 */
export async function portsFrom(base: number): Promise<DemoPorts> {
  if (!Number.isInteger(base) || base < 1024 || base + names.length > 65_535) {
    throw new DevEnvironmentError('BadSetting', `--port-base must be a number from 1024 to 65525: ${base} is not.`);
  }
  const ports = assign((index) => base + index);
  for (const name of names) await requireFreePort(ports[name], owners[name]);
  return ports;
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
