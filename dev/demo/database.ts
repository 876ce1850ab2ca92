import pg from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import type { PostgresServer } from '../postgres/server.ts';

export const databaseName = 'neurocards';

/** What the chat's /buy offers, paid with the stand-in's Stars: credits and price. */
const sale = { five: [5, 100], twenty: [20, 350] } as const;

/** Makes the demo's database if it is not there, and brings it to this release's schema. */
export async function prepareDatabase(
  server: PostgresServer,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const client = new pg.Client({ connectionString: server.ownerUrl });
  await client.connect();
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
  await client.end();
  if (rowCount === 0) await server.createDatabase(databaseName);
  await migrate({ ownerUrl: server.urlFor(databaseName) });
  const owner = new pg.Client({ connectionString: server.urlFor(databaseName) });
  await owner.connect();
  try {
    for (const [name, value] of Object.entries(settings)) {
      await owner.query('select ledger.set_setting($1, $2)', [name, JSON.stringify(value)]);
    }
    for (const [name, [credits, stars]] of Object.entries(sale)) {
      await owner.query(`select ledger.set_package($1, $2, $3, true, 'demo', 'on sale in the demo')`, [
        name,
        credits,
        stars,
      ]);
    }
  } finally {
    await owner.end();
  }
}
