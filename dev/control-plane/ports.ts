import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { freePort, requireFreePort } from '../port.ts';
import { writeAside } from './certificates.ts';

const port = z.number().int().min(1).max(65_535);
const portsFile = z.object({ etcdClient: port, etcdPeer: port, apiServer: port, controllerManager: port });
export type ControlPlanePorts = z.infer<typeof portsFile>;

const OWNERS = {
  etcdClient: 'etcd',
  etcdPeer: 'etcd',
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
} as const satisfies Record<keyof ControlPlanePorts, string>;

/** A port in use by our own predecessor, which is just being ended, becomes free within this time. */
const PATIENCE_MS = 3_000;

/**
 * The ports for a control plane in `directory`: those given, else those remembered in its ports.json, else free ones.
 * A remembered port that somebody else took meanwhile is replaced, with a line to `onProgress`.
 * @throws DevEnvironmentError `PortTaken` for a given port that is in use.
 */
export async function choosePorts(
  directory: string,
  given: Partial<ControlPlanePorts>,
  onProgress: (line: string) => void,
): Promise<ControlPlanePorts> {
  const path = join(directory, 'ports.json');
  const remembered = readPorts(path);
  const choose = async (name: keyof ControlPlanePorts): Promise<number> => {
    const fixed = given[name];
    if (fixed !== undefined) {
      await requireFreePort(fixed, OWNERS[name]);
      return fixed;
    }
    const last = remembered?.[name];
    if (last !== undefined && (await becomesFree(last))) return last;
    if (last !== undefined)
      onProgress(`Port ${last} of ${OWNERS[name]} was taken by another program: another one is used.`);
    return freePort();
  };
  const ports: ControlPlanePorts = {
    etcdClient: await choose('etcdClient'),
    etcdPeer: await choose('etcdPeer'),
    apiServer: await choose('apiServer'),
    controllerManager: await choose('controllerManager'),
  };
  if (new Set(Object.values(ports)).size < 4) return choosePorts(directory, given, onProgress);
  writeAside(path, `${JSON.stringify(ports, null, 2)}\n`, 0o644);
  return ports;
}

async function becomesFree(wanted: number): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await requireFreePort(wanted, 'the control plane');
      return true;
    } catch (error) {
      if (!(error instanceof DevEnvironmentError) || Date.now() > deadline) return false;
      await wait(100);
    }
  }
}

function readPorts(path: string): ControlPlanePorts | undefined {
  try {
    return portsFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
