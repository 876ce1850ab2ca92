import pg from 'pg';
import { z } from 'zod';
import { databaseError } from './errors.ts';
import { ensureRoles, type Role } from './roles.ts';
import { type FunctionFile, type MigrationFile, readSqlFiles, type SqlFiles } from './sql-files.ts';

export interface MigrateOptions {
  /** A role that may make roles and schemas (once), or the role `owner` where these are there already. */
  readonly ownerUrl: string;
  /** Where `migrations/` and `src/` with their SQL are; found by itself beside the program. */
  readonly directory?: string;
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
  readonly rolePasswords?: Partial<Record<Role, string>>;
}

export interface Migrated {
  /** File names of `migrations/` that were applied (with `dryRun`: would be). */
  readonly migrations: readonly string[];
  /** Functions that were made, made anew, or dropped. */
  readonly functions: readonly string[];
}

/** The database cannot be brought to this release's schema. `exitCode` is the process's. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly reason: 'SchemaTooNew' | 'MigrationChanged' | 'MigrationFailed';
  readonly exitCode: number;

  constructor(reason: MigrationError['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.exitCode = reason === 'SchemaTooNew' ? 57 : 1;
  }
}

/**
 * Brings a database to this release's schema: roles, numbered migrations (each once), and the functions whose text changed.
 * All but the roles happens in one transaction under a lock, so that it is done or not, and two at once do it once.
 *
 * @throws MigrationError; DatabaseError when the database cannot be reached.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const files = await readSqlFiles(options.directory);
  const client = new pg.Client({
    connectionString: options.ownerUrl,
    application_name: 'neurocards-migrate',
    connectionTimeoutMillis: 10_000,
  });
  // A connection that breaks is told to the statement under way.
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (options.dryRun === true) return await planned(client, files);
    await ensureRoles(client, options.rolePasswords);
    return await applied(client, files);
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function applied(client: pg.Client, files: SqlFiles): Promise<Migrated> {
  await client.query('begin');
  try {
    await client.query("select pg_advisory_xact_lock(hashtext('neurocards migrate'))");
    await prepareSchemas(client);
    const plan = await planned(client, files);
    for (const file of files.migrations.filter(({ name }) => plan.migrations.includes(name))) await apply(client, file);
    await makeFunctions(client, files.functions, plan.functions);
    await client.query('commit');
    return plan;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Schemas belong to `owner`, and so does everything made in them; nobody has anything that is not granted. */
async function prepareSchemas(client: pg.Client): Promise<void> {
  await client.query(`
    do $$ begin
      if not has_database_privilege('owner', current_database(), 'create') then
        execute format('grant create on database %I to owner', current_database());
      end if;
      if to_regnamespace('ledger') is null then create schema ledger authorization owner; end if;
      if to_regnamespace('bot') is null then create schema bot authorization owner; end if;
      if has_schema_privilege('public', 'public', 'create, usage') and pg_has_role(current_user, 'pg_database_owner', 'usage') then
        revoke all on schema public from public;
      end if;
    end $$;
    set local role owner;
    set local search_path = '';
    alter default privileges for role owner revoke execute on functions from public;
    grant usage on schema ledger to bot, controller, runner, admin;
    grant usage on schema bot to bot;
    alter default privileges for role owner in schema bot grant select, insert, update, delete on tables to bot;
    alter default privileges for role owner in schema bot grant usage on sequences to bot;
    create table if not exists ledger.migrations (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default clock_timestamp());
    create table if not exists ledger.functions (name text primary key, checksum text not null);`);
}

const appliedRows = z.array(z.object({ version: z.number(), name: z.string(), checksum: z.string() }));
const functionRows = z.array(z.object({ name: z.string(), checksum: z.string() }));

async function planned(client: pg.Client, files: SqlFiles): Promise<Migrated> {
  const { rows: known } = await client.query("select to_regclass('ledger.migrations') is not null as known");
  const empty = z.array(z.object({ known: z.boolean() })).parse(known)[0]?.known !== true;
  const done = empty
    ? []
    : appliedRows.parse((await client.query('select * from ledger.migrations order by version')).rows);
  const made = empty ? [] : functionRows.parse((await client.query('select * from ledger.functions')).rows);
  checkApplied(done, files.migrations);
  return {
    migrations: files.migrations
      .filter(({ version }) => !done.some((row) => row.version === version))
      .map(({ name }) => name),
    functions: changedFunctions(made, files.functions),
  };
}

function checkApplied(done: z.infer<typeof appliedRows>, files: readonly MigrationFile[]): void {
  for (const row of done) {
    const file = files.find(({ version }) => version === row.version);
    if (file === undefined) {
      throw new MigrationError(
        'SchemaTooNew',
        `the database has the migration ${row.name}, which this release does not know: use the release that made it, or a newer one`,
      );
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationError(
        'MigrationChanged',
        `${file.name} was edited after it had been applied to this database: put the change into a new migration ` +
          '(a development database can be started from nothing instead)',
      );
    }
  }
}

function changedFunctions(made: z.infer<typeof functionRows>, files: readonly FunctionFile[]): string[] {
  const changed = files.filter(
    (file) => !made.some((row) => row.name === nameOf(file) && row.checksum === file.checksum),
  );
  const gone = made.filter((row) => !files.some((file) => nameOf(file) === row.name));
  return [...changed.map(nameOf), ...gone.map(({ name }) => name)];
}

async function apply(client: pg.Client, file: MigrationFile): Promise<void> {
  try {
    await client.query(file.sql);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MigrationError('MigrationFailed', `${file.name} failed (${why}); nothing was changed`, error);
  }
  await client.query('insert into ledger.migrations (version, name, checksum) values ($1, $2, $3)', [
    file.version,
    file.name,
    file.checksum,
  ]);
}

/** Functions call each other, so bodies are checked only when all are made. */
async function makeFunctions(
  client: pg.Client,
  files: readonly FunctionFile[],
  changed: readonly string[],
): Promise<void> {
  if (changed.length === 0) return;
  await client.query('set local check_function_bodies = off');
  for (const name of changed) {
    await dropFunction(client, name);
    await client.query('delete from ledger.functions where name = $1', [name]);
    const file = files.find((other) => nameOf(other) === name);
    if (file === undefined) continue;
    try {
      await client.query(file.sql);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new MigrationError('MigrationFailed', `the function ${name} failed (${why}); nothing was changed`, error);
    }
    await client.query('insert into ledger.functions (name, checksum) values ($1, $2)', [name, file.checksum]);
  }
  await client.query('set local check_function_bodies = on');
  await checkBodies(client);
}

/** Every version of it, whatever its arguments were. */
async function dropFunction(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query(
    `select p.oid::regprocedure::text as signature from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname || '.' || p.proname = $1`,
    [name],
  );
  for (const { signature } of z.array(z.object({ signature: z.string() })).parse(rows)) {
    await client.query(`drop function ${signature}`);
  }
}

async function checkBodies(client: pg.Client): Promise<void> {
  // The validators look through this path, not through the function's own.
  await client.query('set local search_path = ledger, bot');
  await client.query(`
    select case l.lanname when 'plpgsql' then plpgsql_validator(p.oid) else fmgr_sql_validator(p.oid) end
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where n.nspname in ('ledger', 'bot') and l.lanname in ('plpgsql', 'sql')`);
}

function nameOf(file: FunctionFile): string {
  return `${file.schema}.${file.name}`;
}
