import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { acquireSharedControlPlane } from '../../dev/control-plane/reuse.ts';
import { checkout } from '../../dev/places.ts';
import { erasePostgres, startPostgres } from '../../dev/postgres/server.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { TEMPLATE_DATABASE } from './template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the PostgreSQL that this run started. */
    readonly postgresUrl: string;
    /** The administrator's kubeconfig of the control plane that test runs share. */
    readonly kubeconfig: string;
  }
}

/** Starts PostgreSQL and takes the shared control plane for one run of a lane, at the same time. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = ownDirectory();
  const [postgres, controlPlane] = await Promise.allSettled([startMigrated(directory), acquireSharedControlPlane()]);
  const teardown = async (): Promise<void> => {
    if (controlPlane.status === 'fulfilled') await controlPlane.value.release();
    if (postgres.status === 'fulfilled') await postgres.value.close();
    erase(directory);
  };
  for (const part of [postgres, controlPlane]) {
    if (part.status === 'rejected') {
      await teardown();
      throw part.reason;
    }
  }
  if (postgres.status === 'fulfilled') project.provide('postgresUrl', postgres.value.ownerUrl);
  if (controlPlane.status === 'fulfilled') project.provide('kubeconfig', controlPlane.value.kubeconfig);
  return teardown;
}

async function startMigrated(directory: string): ReturnType<typeof startPostgres> {
  const postgres = await startPostgres({ directory, ephemeral: true });
  try {
    await postgres.createDatabase(TEMPLATE_DATABASE);
    await migrate({ ownerUrl: postgres.urlFor(TEMPLATE_DATABASE) });
    return postgres;
  } catch (error) {
    await postgres.close();
    throw error;
  }
}

/** A directory named by this process, beside which those of killed runs are cleared away. */
function ownDirectory(): string {
  const parent = join(checkout, '.test', 'postgres');
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) {
    if (Number(name) === process.pid || !isAlive(Number(name))) erase(join(parent, name));
  }
  return join(parent, String(process.pid));
}

function erase(directory: string): void {
  erasePostgres(directory);
  rmSync(directory, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
