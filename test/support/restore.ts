import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { System } from './system.ts';

const run = promisify(execFile);

/** A copy of one side's data, to be put back later: what a backup tool does, with the side stopped for the moment. */
export interface Backup {
  /** Stops the side, puts the copy in the place of its data, and starts it. */
  putBack(): Promise<void>;
}

/** Copies the data directory of PostgreSQL. */
export async function backupDatabase(system: System): Promise<Backup> {
  const { stack } = system;
  const [row] = await system.rows('show data_directory', [], z.object({ data_directory: z.string() }));
  if (row === undefined) throw new Error('PostgreSQL does not say where its data are');
  const data = row.data_directory;
  return backup(data, {
    stop: () => stack.stopPostgres(),
    start: () => stack.startPostgres(),
  });
}

/** Copies the data directory of etcd; API server and controller manager are stopped with it, as their caches know what was. */
export async function backupCluster(system: System): Promise<Backup> {
  const { controlPlane, directory } = system.stack;
  const parts = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
  return backup(join(directory, 'control-plane', 'etcd'), {
    async stop() {
      for (const part of parts.toReversed()) await controlPlane.stopProcess(part);
    },
    async start() {
      for (const part of parts) await controlPlane.startProcess(part);
      // Who watches goes on from a revision that etcd has not reached any more; a kubelet is restarted with the API server.
      await system.kill('node');
    },
  });
}

async function backup(data: string, side: { stop: () => Promise<void>; start: () => Promise<void> }): Promise<Backup> {
  const copy = `${data}-backup`;
  // The owner and the rights of every file stay: PostgreSQL insists on them.
  const copyTo = (from: string, to: string) => run('cp', ['-a', from, to]);
  await side.stop();
  await rm(copy, { recursive: true, force: true });
  await copyTo(data, copy);
  await side.start();
  return {
    async putBack() {
      await side.stop();
      await rm(data, { recursive: true, force: true });
      await copyTo(copy, data);
      await rm(copy, { recursive: true, force: true });
      await side.start();
    },
  };
}
