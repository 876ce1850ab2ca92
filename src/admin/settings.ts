import { z } from 'zod';
import type { Database } from '../postgres/call.ts';
import { DatabaseError, ruleOf } from '../postgres/errors.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { Admin, Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const row = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));

export const settings: Command = {
  words: 'settings',
  usage: '[NAME VALUE]',
  about: 'shows or changes what the ledger sells by, e.g. accepting_orders false',
  run: (rest, admin) => (rest.length === 0 ? showSettings(admin.database, admin.terminal) : changeSetting(rest, admin)),
};

/** Prints what the ledger sells by, one setting a line. */
async function showSettings(database: Database, { out }: Terminal): Promise<number> {
  const { rows } = await database.query('select * from ledger.settings');
  for (const [name, value] of Object.entries(row.parse(rows[0]))) {
    if (name !== 'only_row') out(`${name.padEnd(20)} ${String(value)}\n`);
  }
  return 0;
}

/** Changes one setting; PostgreSQL refuses unknown names and values out of range. */
async function changeSetting(
  [name, value]: readonly string[],
  { database, terminal, options }: Admin,
): Promise<number> {
  const parsed = z.json().safeParse(safeJson(value));
  if (name === undefined || !parsed.success) {
    terminal.err('neurocards admin: settings needs a name and a JSON value, e.g. settings accepting_orders false\n');
    return 2;
  }
  const dryRun = options['dry-run'] === true;
  try {
    await (dryRun ? tryOut : inTransaction)(database, (transaction) =>
      transaction.query('select ledger.set_setting($1, $2)', [name, JSON.stringify(parsed.data)]),
    );
  } catch (error) {
    const because = refusalOf(error, name, JSON.stringify(parsed.data));
    if (because === undefined) throw error;
    terminal.err(`neurocards admin: ${because}\n`);
    return 1;
  }
  if (!dryRun) return showSettings(database, terminal);
  terminal.out(`${name} would be ${JSON.stringify(parsed.data)}\n`);
  return 0;
}

/** Has PostgreSQL say whether it would do it, and takes it back. */
async function tryOut(database: DatabasePool, work: (transaction: Database) => Promise<unknown>): Promise<void> {
  const client = await database.connect();
  try {
    await client.query('begin');
    await work(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** What PostgreSQL's refusal means for whoever typed it; undefined for trouble of another kind. */
function refusalOf(error: unknown, name: string, value: string): string | undefined {
  const rule = ruleOf(error);
  if (rule === 'setting_is_known') return `there is no setting "${name}"; neurocards admin settings lists them`;
  // A check of the table, or a value of another type (class 22).
  const isValue =
    rule?.startsWith('settings_') === true || (error instanceof DatabaseError && error.code?.startsWith('22'));
  return isValue === true ? `${name} cannot be ${value}; neurocards admin settings shows what it is` : undefined;
}

function safeJson(value: string | undefined): unknown {
  try {
    return JSON.parse(value ?? '');
  } catch {
    return undefined;
  }
}
