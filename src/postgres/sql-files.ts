import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A numbered file of `migrations/`: never edited once released. */
export interface MigrationFile {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** One function, in a file of its name; made anew whenever the text changed. */
export interface FunctionFile {
  readonly schema: 'ledger' | 'bot';
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export interface SqlFiles {
  readonly migrations: readonly MigrationFile[];
  readonly functions: readonly FunctionFile[];
}

/** The SQL files are not where they belong. */
export class SqlFilesError extends Error {
  override readonly name = 'SqlFilesError';
  readonly reason = 'SqlFilesInvalid';
}

const MIGRATION = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Reads `migrations/*.sql` and `src/<room>/functions/*.sql` below `directory`: by default the checkout, or the folder `sql` beside
 * a bundle.
 * @throws SqlFilesError when there are none, a name does not fit, or a number is taken twice.
 */
export async function readSqlFiles(directory: string = findDirectory()): Promise<SqlFiles> {
  const migrations: MigrationFile[] = [];
  for (const name of await names(join(directory, 'migrations'))) {
    const version = Number(MIGRATION.exec(name)?.[1] ?? Number.NaN);
    if (!(version > 0))
      throw new SqlFilesError(`migrations/${name} is not named like 0001_what_it_makes.sql: rename it`);
    if (migrations.some((other) => other.version === version)) {
      throw new SqlFilesError(`two migrations have the number of ${name}: give the newer one the next free number`);
    }
    migrations.push({ version, name, ...(await textOf(join(directory, 'migrations', name))) });
  }
  if (migrations.length === 0)
    throw new SqlFilesError(`there are no migrations in ${directory}: reinstall this release`);
  return { migrations, functions: await readFunctions(join(directory, 'src')) };
}

async function readFunctions(rooms: string): Promise<FunctionFile[]> {
  const functions: FunctionFile[] = [];
  for (const room of (await readdir(rooms)).sort()) {
    const folder = join(rooms, room, 'functions');
    if (!existsSync(folder)) continue;
    for (const file of await names(folder)) {
      const name = basename(file, '.sql');
      const schema = room === 'bot' ? 'bot' : 'ledger';
      const text = await textOf(join(folder, file));
      if (!text.sql.includes(`create function ${schema}.${name}(`)) {
        throw new SqlFilesError(
          `${room}/functions/${file} does not create the function ${schema}.${name}: rename one of them`,
        );
      }
      if (functions.some((other) => other.schema === schema && other.name === name)) {
        throw new SqlFilesError(`two files create ${schema}.${name}: keep one of them`);
      }
      functions.push({ schema, name, ...text });
    }
  }
  return functions;
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
}

async function textOf(path: string): Promise<{ sql: string; checksum: string }> {
  const sql = await readFile(path, 'utf8');
  return { sql, checksum: createHash('sha256').update(sql).digest('hex') };
}

function findDirectory(): string {
  const here = import.meta.dirname;
  const bundled = join(here, 'sql');
  return existsSync(join(bundled, 'migrations')) ? bundled : join(here, '..', '..');
}
