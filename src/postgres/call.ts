import type { z } from 'zod';
import { storableJson, storableText } from './storable.ts';

/** What a query can be sent to: a pool, or one client inside a transaction. */
export interface Database {
  /** `call` is the text's one expression, for who collects what it has to tell (`News`). */
  query(text: string, values?: unknown[], call?: string): Promise<{ rows: unknown[] }>;
}

/** PostgreSQL answered something this release does not understand: the schema and the program are of different versions. */
export class UnexpectedAnswerError extends Error {
  readonly reason = 'UnexpectedAnswer';
  constructor(functionName: string, cause: unknown) {
    super(
      `the database function ${functionName} answered in a shape this release does not know; ` +
        'run "neurocards migrate" with the same version as this program',
      { cause },
    );
    this.name = 'UnexpectedAnswerError';
  }
}

/**
 * Calls one database function and parses its answer.
 *
 * Every function of ours returns one jsonb value, so that there is one shape of edge: `select schema.name($1, ...)`.
 * Objects and arrays among `values` are sent as JSON.
 *
 * @throws UnexpectedAnswerError when the answer does not parse; the driver's error when the call failed.
 */
export async function callFunction<T>(
  database: Database,
  name: `${'ledger' | 'bot'}.${string}`,
  values: readonly unknown[],
  answer: z.ZodType<T>,
): Promise<T> {
  const placeholders = values.map((_, index) => `$${index + 1}`).join(', ');
  const encoded = values.map((value) => {
    if (typeof value === 'string') return storableText(value);
    return typeof value === 'object' && value !== null && !(value instanceof Date) ? storableJson(value) : value;
  });
  const call = `${name}(${placeholders})`;
  const { rows } = await database.query(`select ${call} as answer`, encoded, call);
  const row = rows[0];
  const raw = typeof row === 'object' && row !== null && 'answer' in row ? row.answer : undefined;
  const parsed = answer.safeParse(raw);
  if (!parsed.success) throw new UnexpectedAnswerError(name, parsed.error);
  return parsed.data;
}
