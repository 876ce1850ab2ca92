import type { TestProject } from 'vitest/node';
import { z } from 'zod';
import { databasesOf } from '../../../dev/postgres/databases.ts';
import { migrate } from '../../../src/postgres/migrate.ts';
import { TEMPLATE_DATABASE } from '../../setup/template.ts';

const given = z.object({
  NEUROCARDS_MUTANT_POSTGRES: z.string(),
  NEUROCARDS_MUTANT_KUBECONFIG: z.string().default(''),
});

/** The servers run already; the schema is made from the SQL of the tree that is tested, which may be the mutant. */
export default async function setup(project: TestProject): Promise<void> {
  const { NEUROCARDS_MUTANT_POSTGRES: server, NEUROCARDS_MUTANT_KUBECONFIG: kubeconfig } = given.parse(process.env);
  const databases = databasesOf(server);
  await databases.dropDatabase(TEMPLATE_DATABASE);
  await databases.createDatabase(TEMPLATE_DATABASE);
  const url = new URL(server);
  url.pathname = `/${TEMPLATE_DATABASE}`;
  await migrate({ ownerUrl: url.href });
  project.provide('postgresUrl', server);
  project.provide('kubeconfig', kubeconfig);
}
