import type { Tables } from '../postgres/tables.ts';
import { difference } from './comparison.ts';

type Row = Readonly<Record<string, unknown>>;

/** How the rows of each table are told apart, and what of them the model does not keep. */
const keys: Readonly<Record<string, readonly string[]>> = {
  holds: ['orderId'],
  orders: ['orderId'],
  accounts: ['accountId'],
  transfers: ['idempotencyKey'],
  executions: ['orderId', 'stage', 'n'],
  submitNonces: ['nonce'],
  attempts: ['orderId', 'n'],
  deliveries: ['orderId'],
  edits: ['nonce'],
  hints: ['nonce', 'taskId'],
  notices: ['orderId', 'kind', 'place'],
  people: ['userId'],
};

function rowsOf(tables: Tables): Record<string, object[]> {
  const places = new Map<string, number>();
  const notices = tables.notices.map((row) => {
    const place = (places.get(`${row.orderId}/${row.kind}`) ?? 0) + 1;
    places.set(`${row.orderId}/${row.kind}`, place);
    return { ...row, place };
  });
  return {
    holds: [...tables.holds.values()],
    orders: [...tables.orders.values()],
    accounts: [...tables.accounts.values()],
    transfers: tables.transfers.filter(({ orderId }) => orderId !== null),
    executions: tables.executions,
    submitNonces: [...tables.submitNonces.values()],
    attempts: tables.attempts,
    deliveries: [...tables.deliveries.values()],
    edits: [...tables.edits.values()],
    hints: tables.hints,
    notices,
    people: [...tables.people.values()],
  };
}

/** The first column of the first row in which both differ; null when all the model's columns agree. */
export function stateDifference(real: Row, tables: Tables, realAt: number): string | null {
  const modelAt = realAt;
  for (const [table, model] of Object.entries(rowsOf(tables))) {
    const found = Array.isArray(real[table]) ? (real[table] as unknown[]) : [];
    const theirs = byKey(table, withPlaces(table, found.map(camel)));
    const ours = byKey(
      table,
      model.map((row) => Object.fromEntries(Object.entries(row))),
    );
    if (theirs.size !== ours.size)
      return `${table} has ${theirs.size} rows in PostgreSQL and ${ours.size} in the model`;
    for (const [key, row] of ours) {
      const other = theirs.get(key);
      if (other === undefined) return `${table} ${key} is only in the model`;
      for (const [column, value] of Object.entries(row)) {
        if (column === 'place') continue;
        const text = typeof value === 'number' && isInstant(column) ? new Date(value).toISOString() : value;
        const why = difference(other[column], text, realAt, modelAt, column);
        if (why !== null) return `${table} ${key}: ${why}`;
      }
    }
  }
  return null;
}

function isInstant(column: string): boolean {
  return /(At|Until|Since|Before)$/.test(column);
}

function withPlaces(table: string, rows: Row[]): Row[] {
  if (table !== 'notices') return rows;
  const places = new Map<string, number>();
  return rows.map((row) => {
    const key = `${String(row['orderId'])}/${String(row['kind'])}`;
    const place = (places.get(key) ?? 0) + 1;
    places.set(key, place);
    return { ...row, place };
  });
}

function byKey(table: string, rows: readonly Row[]): Map<string, Row> {
  const columns = keys[table] ?? [];
  return new Map(rows.map((row) => [columns.map((column) => String(row[column])).join(' '), row]));
}

function camel(row: unknown): Row {
  if (typeof row !== 'object' || row === null) return {};
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
