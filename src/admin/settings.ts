import { z } from 'zod';
import type { Database } from '../postgres/call.ts';

const row = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));

/** Prints what the ledger sells by, one setting a line. */
export async function showSettings(database: Database): Promise<number> {
  const { rows } = await database.query('select * from ledger.settings');
  for (const [name, value] of Object.entries(row.parse(rows[0]))) {
    if (name !== 'only_row') process.stdout.write(`${name.padEnd(20)} ${String(value)}\n`);
  }
  return 0;
}

/** Changes one setting; PostgreSQL refuses unknown names and values out of range. */
export async function changeSetting([name, value]: readonly string[], database: Database): Promise<number> {
  const parsed = z.json().safeParse(safeJson(value));
  if (name === undefined || !parsed.success) {
    process.stderr.write(
      'neurocards admin: settings needs a name and a JSON value, e.g. settings accepting_orders false\n',
    );
    return 2;
  }
  await database.query('select ledger.set_setting($1, $2)', [name, JSON.stringify(parsed.data)]);
  return showSettings(database);
}

function safeJson(value: string | undefined): unknown {
  try {
    return JSON.parse(value ?? '');
  } catch {
    return undefined;
  }
}
