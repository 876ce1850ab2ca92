import { z } from 'zod';
import { parseEnvironment } from './config/environment.ts';
import { databaseUrl } from './config/pieces.ts';
import { redact } from './log/redact.ts';

const usage = `usage: neurocards COMMAND

  bot                  talks to people on Telegram and places orders
  controller           turns VideoJobs into Jobs, and settles them
  migrate [--dry-run]  brings the database to this release's schema
  admin ...            the operator's command line; see neurocards admin --help

Settings come from the environment; see docs/reference/environment.md.
`;

type Run = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

/** Each process is loaded only when it is asked for: they share little. */
const commands: Readonly<Record<string, () => Promise<Run>>> = {
  bot: async () => (await import('./bot/main.ts')).run,
  controller: async () => (await import('./controller/main.ts')).run,
  admin: async () => (await import('./admin/main.ts')).run,
  migrate: async () => runMigrate,
};

const migrateEnvironment = z.object({
  NEUROCARDS_DATABASE_URL: databaseUrl(
    'the PostgreSQL URL of a role that may make roles and schemas, or of the role owner',
  ),
});

async function runMigrate(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { NEUROCARDS_DATABASE_URL: ownerUrl } = parseEnvironment(migrateEnvironment, env, { service: 'migrate' });
  const { migrate, MigrationError } = await import('./postgres/migrate.ts');
  const dryRun = argv.includes('--dry-run');
  try {
    const { migrations, functions } = await migrate({ ownerUrl, dryRun });
    const verb = dryRun ? 'to apply' : 'applied';
    process.stdout.write(`migrations ${verb}: ${migrations.length} (${migrations.join(', ') || 'none'})\n`);
    process.stdout.write(`functions ${verb}: ${functions.length}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    process.stderr.write(`${redact(error.message)}\n`);
    return error.exitCode;
  }
}

async function main([command = '', ...rest]: readonly string[]): Promise<number> {
  const load = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (load === undefined) {
    const asked = command === '' || command === '--help' || command === '-h' || command === 'help';
    (asked && command !== '' ? process.stdout : process.stderr).write(usage);
    return asked && command !== '' ? 0 : 2;
  }
  try {
    return await (await load())(rest, process.env);
  } catch (error) {
    const text = error instanceof Error ? error.message : 'unknown error';
    process.stderr.write(`${redact(text)}\n`);
    return error instanceof Error && error.name === 'ConfigError' ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
