import type { Database } from './call.ts';
import { DatabaseError, databaseError } from './errors.ts';
import type { DatabaseClient, DatabasePool } from './pool.ts';

export interface TransactionOptions {
  /** How often the whole work is repeated after a deadlock or a serialization failure; its effects outside must allow that. Default 0. */
  readonly retryConflicts?: number;
}

/** `work` returned although one of its statements had failed, so nothing took effect. */
export class AbortedTransactionError extends Error {
  override readonly name = 'AbortedTransactionError';
  readonly reason = 'AbortedTransaction';
  constructor() {
    super('the transaction was rolled back, because one of its statements had failed: let that error through');
  }
}

/**
 * Runs `work` in one transaction on one connection: committed when it returns, rolled back when it throws.
 *
 * @throws whatever `work` threw; DatabaseError `OutcomeUnknown` when the connection was lost during COMMIT.
 */
export async function inTransaction<T>(
  pool: DatabasePool,
  work: (database: Database) => Promise<T>,
  { retryConflicts = 0 }: TransactionOptions = {},
): Promise<T> {
  for (let left = retryConflicts; ; left -= 1) {
    try {
      return await once(pool, work);
    } catch (error) {
      if (left <= 0 || !(error instanceof DatabaseError) || error.reason !== 'Conflict') throw error;
    }
  }
}

async function once<T>(pool: DatabasePool, work: (database: Database) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let result: T;
  try {
    await client.query('begin');
    result = await work(client);
  } catch (error) {
    await abandon(client);
    throw error;
  }
  await commit(client);
  return result;
}

async function commit(client: DatabaseClient): Promise<void> {
  try {
    const result = await client.query('commit');
    // After an error that `work` kept to itself COMMIT succeeds by rolling back.
    if ('command' in result && result.command === 'ROLLBACK') throw new AbortedTransactionError();
  } catch (error) {
    // An error that the server sent is an answer: a deferred rule refused, nothing took effect.
    const lost = error instanceof DatabaseError && error.reason === 'Unavailable';
    client.release(new Error('the transaction did not end cleanly'));
    throw lost ? databaseError(error.cause, 'OutcomeUnknown') : error;
  }
  client.release();
}

async function abandon(client: DatabaseClient): Promise<void> {
  try {
    await client.query('rollback');
    client.release();
  } catch {
    // Closing the connection rolls back too.
    client.release(new Error('the transaction could not be rolled back'));
  }
}
