import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from '../../dev/child.ts';
import { commandArguments, openIdentity } from '../../dev/control-plane/commands.ts';
import { isHealthy } from '../../dev/control-plane/probe.ts';
import { freePort } from '../../dev/port.ts';
import { type HeldLink, openHeldLink } from './held-link.ts';
import type { System } from './system.ts';
import { waitFor } from './wait.ts';

/** Another kube-apiserver on the same etcd, whose way there can be held: what it has seen by then is all that it knows. */
export interface SecondApiServer {
  readonly url: string;
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

/** Shows the same certificates as the first one, so that the same clients may call it. About 300 MB and 5 s. */
export async function startSecondApiServer({ stack }: System): Promise<SecondApiServer> {
  const first = join(stack.directory, 'control-plane');
  const directory = join(stack.directory, 'second-api-server');
  mkdirSync(join(directory, 'run'), { recursive: true });
  const identity = await openIdentity(join(first, 'pki'));
  const link = await openHeldLink(stack.ports.etcdClient);
  const port = await freePort();
  const child = await startChild({
    command: stack.controlPlane.binaries['kube-apiserver'],
    args: commandArguments('kube-apiserver', {
      ...{ directory, identity, controllerManagerKubeconfig: '', unsafeNoFsync: true, apiServerArgs: [] },
      ports: { ...stack.ports, apiServer: port, etcdClient: link.port },
    }),
    env: { PATH: '/usr/bin:/bin', HOME: directory },
    cwd: directory,
    // It keeps nothing, and would wait a minute for open watches.
    stopSignal: 'SIGKILL',
    logFile: join(stack.directory, 'logs', 'second-api-server.txt'),
  });
  const authority = identity.kubernetes.files.certificate;
  try {
    await waitFor(() => isHealthy({ port, path: '/readyz', authority, ...identity.administrator }), {
      what: 'the second API server',
      within: 60_000,
    });
  } catch (error) {
    await end(child, link);
    throw error;
  }
  return {
    url: `https://127.0.0.1:${port}`,
    hold: () => link.hold(),
    release: () => link.release(),
    close: () => end(child, link),
  };
}

async function end(child: Child, link: HeldLink): Promise<void> {
  await child.stop(1_000);
  await link.close();
}
