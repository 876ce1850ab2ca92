import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/admin/main.ts';
import { checkout } from '../places.ts';
import { lives } from '../process-record.ts';
import { ownNamespace } from './cluster.ts';
import { ownerOf } from './directory.ts';
import { endpointsFile } from './endpoints.ts';
import { openSecrets } from './secrets.ts';

/** `npm run admin -- ...`: the operator's command line against the running demo, or against what the environment names. */
function environment(): NodeJS.ProcessEnv {
  const directory = join(checkout, '.demo');
  const path = join(directory, 'endpoints.json');
  const owner = ownerOf(directory);
  const runs = owner !== undefined && lives(owner) && existsSync(path);
  if (process.env['NEUROCARDS_DATABASE_URL'] !== undefined) return process.env;
  if (!runs) {
    process.stderr.write(
      'No demo runs in this checkout (npm run demo starts one): the environment says where the database is.\n',
    );
    return process.env;
  }
  const endpoints = endpointsFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  const database = new URL(endpoints.databaseUrl);
  database.username = 'admin';
  return {
    ...process.env,
    KUBECONFIG: endpoints.kubeconfig,
    NEUROCARDS_DATABASE_URL: database.href,
    NEUROCARDS_NAMESPACE: endpoints.namespace,
    NEUROCARDS_OWN_NAMESPACE: ownNamespace,
    NEUROCARDS_MAC_KEY: openSecrets(directory).macKey,
  };
}

const variables = environment();
// The Kubernetes client reads KUBECONFIG from the process itself.
if (variables['KUBECONFIG'] !== undefined) process.env['KUBECONFIG'] = variables['KUBECONFIG'];
process.exitCode = await run(process.argv.slice(2), variables).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
