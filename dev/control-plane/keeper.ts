import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { recordOf } from '../process-record.ts';
import { writeAside } from './certificates.ts';
import { startControlPlane } from './plane.ts';
import { type KeeperFile, livingUsers, recipeHash } from './reuse.ts';

/** The detached process behind `acquireSharedControlPlane`: keeps one control plane until nobody uses it. */
async function main(): Promise<void> {
  const [directory, idleSeconds] = z.tuple([z.string(), z.coerce.number().positive()]).parse(process.argv.slice(2));
  const recipe = recipeHash();
  const controlPlane = await startControlPlane({
    directory,
    unsafeNoFsync: true,
    // Tests expect an empty one, and state without fsync may be damaged after a crash of the machine.
    discardState: true,
    onProgress: (line) => console.log(line),
  });
  let ending = false;
  const end = () => {
    ending = true;
  };
  controlPlane.onExit(end);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const keeper = recordOf();
  if (keeper === undefined) throw new Error('this process has no record in /proc');
  const apiServerPort = Number(new URL(controlPlane.server).port);
  const { kubeconfig, server } = controlPlane;
  const content: KeeperFile = { keeper, recipe, kubeconfig, server, apiServerPort };
  writeAside(join(directory, 'keeper.json'), JSON.stringify(content), 0o600);
  let lastUsed = Date.now();
  const checkUse = () => {
    if (livingUsers(directory) > 0) lastUsed = Date.now();
    return Date.now() - lastUsed < idleSeconds * 1_000;
  };
  while (!ending) {
    await wait(Math.min(1_000, idleSeconds * 250));
    if (checkUse()) continue;
    // Under the lock nobody can find us running and begin to use us while we end.
    await withLock(join(directory, 'lock'), async () => {
      if (checkUse()) return;
      ending = true;
      rmSync(join(directory, 'keeper.json'), { force: true });
    });
  }
  rmSync(join(directory, 'keeper.json'), { force: true });
  await controlPlane.close();
}

main()
  .then(() => process.exit(0))
  .catch((error: unknown) => {
    console.error(error instanceof DevEnvironmentError ? error.message : error);
    process.exit(1);
  });
