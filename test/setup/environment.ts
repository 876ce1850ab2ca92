import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { acquireSharedControlPlane } from '../../dev/control-plane/reuse.ts';
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
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-test-postgres-'));
  const [postgres, controlPlane] = await Promise.allSettled([startMigrated(directory), acquireSharedControlPlane()]);
  const teardown = async (): Promise<void> => {
    if (controlPlane.status === 'fulfilled') await controlPlane.value.release();
    if (postgres.status === 'fulfilled') await postgres.value.close();
    erasePostgres(directory);
    await rm(directory, { recursive: true, force: true });
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
