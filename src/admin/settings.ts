import { z } from 'zod';
import type { Database } from '../postgres/call.ts';
import { DatabaseError, ruleOf } from '../postgres/errors.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const row = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));

export const settings: Command = {
  words: 'settings',
  usage: '[NAME VALUE]',
  about: 'shows or changes what the ledger sells by, e.g. accepting_orders false',
  run: (rest, { database, terminal }) =>
    rest.length === 0 ? showSettings(database, terminal) : changeSetting(rest, database, terminal),
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
  database: Database,
  terminal: Terminal,
): Promise<number> {
  const parsed = z.json().safeParse(safeJson(value));
  if (name === undefined || !parsed.success) {
    terminal.err('neurocards admin: settings needs a name and a JSON value, e.g. settings accepting_orders false\n');
    return 2;
  }
  try {
    await database.query('select ledger.set_setting($1, $2)', [name, JSON.stringify(parsed.data)]);
  } catch (error) {
    const because = refusalOf(error, name, JSON.stringify(parsed.data));
    if (because === undefined) throw error;
    terminal.err(`neurocards admin: ${because}\n`);
    return 1;
  }
  return showSettings(database, terminal);
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
