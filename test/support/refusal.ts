import { z } from 'zod';
import { ruleOf } from '../../src/postgres/errors.ts';
import type { DatabasePool } from '../../src/postgres/pool.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';

/** What the driver says of a column that may not be empty: it names no rule. */
const missingValue = z.object({ cause: z.object({ code: z.literal('23502'), table: z.string(), column: z.string() }) });

class NothingRefused extends Error {}

/**
 * The rule that refuses these statements, tried as one transaction that never commits; `nothing` when they all pass. A column that
 * must have a value is the rule `table.column`.
 *
 * @throws whatever else went wrong: a statement that cannot be run says nothing about rules
 */
export async function refusedBy(owner: DatabasePool, statements: readonly string[]): Promise<string> {
  try {
    await inTransaction(owner, async (database) => {
      for (const statement of statements) await database.query(statement);
      throw new NothingRefused();
    });
  } catch (error) {
    if (error instanceof NothingRefused) return 'nothing';
    const missing = missingValue.safeParse(error);
    const rule = missing.success ? `${missing.data.cause.table}.${missing.data.cause.column}` : ruleOf(error);
    if (rule === undefined) throw error;
    return rule;
  }
  return 'nothing';
}
