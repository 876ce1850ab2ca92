import pg from 'pg';

/** What both lanes offer to create and drop databases, given the superuser's URL. */
export interface Databases {
  createDatabase(name: string, template?: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
}

/**
 * Database commands over a connection of their own each.
 * Without a template a database has UTF8 and the builtin C.UTF-8 locale, so that it sorts and folds the same on every
 * machine (plain C leaves Cyrillic letters alone when it folds case).
 */
export function databasesOf(ownerUrl: string): Databases {
  return {
    createDatabase: (name, template) =>
      run(
        ownerUrl,
        template === undefined
          ? `create database ${pg.escapeIdentifier(name)} template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'`
          : `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`,
      ),
    dropDatabase: (name) => run(ownerUrl, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
  };
}

/** Runs statements as the superuser. */
export async function run(ownerUrl: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  // A server that stops under us is an error of the statement, not of the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
