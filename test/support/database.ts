import { randomBytes } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { databasesOf } from '../../dev/postgres/databases.ts';
import type { Role } from '../../src/postgres/roles.ts';
import { TEMPLATE_DATABASE } from '../setup/template.ts';

/** The roles of the processes; `owner` is none of them. */
export type DatabaseRole = Exclude<Role, 'owner'>;

/** A migrated database of a test's own. */
export type TestDatabase = {
  readonly name: string;
  /** The superuser's URL. */
  readonly ownerUrl: string;
  /** The URL of one of the product's own roles, with exactly its rights. */
  urlFor(role: DatabaseRole): string;
  /** Drops it, cutting off whoever is still connected. Safe to repeat. */
  drop(): Promise<void>;
};

/**
 * A fresh copy of the migrated database on the PostgreSQL of this run. It is dropped when the test has finished; outside
 * a test (in `beforeAll`) the caller drops it.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const database = await copyDatabase(inject('postgresUrl'), TEMPLATE_DATABASE);
  dropWithTheTest(database.drop);
  return database;
}

/** A copy of any database of a server, in a test or outside of one. The caller drops it. */
export async function copyDatabase(serverUrl: string, template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const databases = databasesOf(serverUrl);
  await databases.createDatabase(name, template);
  return {
    name,
    ownerUrl: urlOf(serverUrl, name),
    urlFor: (role) => urlOf(serverUrl, name, role),
    drop: () => databases.dropDatabase(name),
  };
}

function dropWithTheTest(drop: () => Promise<void>): void {
  try {
    onTestFinished(drop);
  } catch {
    // No test runs in a beforeAll hook: its afterAll drops it.
  }
}

function urlOf(server: string, database: string, role?: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  if (role !== undefined) url.username = role;
  return url.href;
}
