import pg from 'pg';
import type { Database } from './call.ts';
import { databaseError } from './errors.ts';
import { collecting, type Item, itemsOf, News } from './news.ts';

export interface PoolOptions {
  /** Seen in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Connections at most. */
  readonly max: number;
  /** Milliseconds after which an unused connection is closed. */
  readonly idleTimeoutMillis?: number;
  /** How long a call may wait for a connection; 5 s where nothing is said. */
  readonly connectTimeoutMillis?: number;
  /** How long one statement may take; 30 s where nothing is said. */
  readonly statementTimeoutMillis?: number;
  /** Called for errors of unused connections, which are replaced by themselves. */
  readonly onIdleError?: (error: Error) => void;
  /** Looks at a new connection before anybody may use it; one that it throws for is closed, and the caller gets the error. */
  readonly onConnect?: (database: Database) => Promise<void>;
}

/** One connection, taken out of the pool for a transaction. */
export interface DatabaseClient extends Database {
  /** Gives it back; with an error the connection is closed instead, because nobody knows what state it is in. */
  release(error?: Error): void;
}

export interface DatabasePool extends Database {
  connect(): Promise<DatabaseClient>;
  /** Closes all connections; waits for those that are taken, and until what they changed was told. Safe to repeat. */
  end(): Promise<void>;
}

const connectTimeoutMillis = 5_000;
/** Longer than any function of ours takes; a statement that waits longer waits for something that is stuck. */
const statementTimeoutMillis = 30_000;
/**
 * Every statement of ours looks rows up by keys in tables that fit into memory: one plan serves all values, and an index serves a table of
 * a few pages too. Planning each call anew was a tenth of its cost.
 */
const plannerOptions = '-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1';

/**
 * A pool of connections. Nothing is repeated here: a caller that may repeat a call uses `persist`.
 *
 * @throws DatabaseError from every call, with a reason that tells whether it may be repeated.
 */
export function createPool(url: string, options: PoolOptions): DatabasePool {
  const { onConnect } = options;
  const statementMillis = options.statementTimeoutMillis ?? statementTimeoutMillis;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.applicationName,
    max: options.max,
    idleTimeoutMillis: options.idleTimeoutMillis ?? 30_000,
    connectionTimeoutMillis: options.connectTimeoutMillis ?? connectTimeoutMillis,
    statement_timeout: statementMillis,
    query_timeout: statementMillis + 5_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    options: plannerOptions,
    ...(onConnect === undefined ? {} : { verify: (client, done) => void verify(client, onConnect, done) }),
  });
  // Without a listener an idle connection that the server closes would end the process.
  pool.on('error', (error) => options.onIdleError?.(error));
  const news = new News();
  const end = async (): Promise<void> => {
    await news.told();
    await pool.end();
  };
  let ended: Promise<void> | undefined;
  return {
    query: (text, values, call) => once(pool, news, (client) => client.query(text, values, call)),
    connect: () => guarded(async () => clientOf(await pool.connect(), news)),
    end: () => (ended ??= end()),
  };
}

/** One statement on a connection of its own; after an error the connection is closed, because nobody knows what state it is in. */
async function once<T>(pool: pg.Pool, news: News, act: (client: DatabaseClient) => Promise<T>): Promise<T> {
  const client = clientOf(await guarded(() => pool.connect()), news);
  try {
    const answer = await act(client);
    client.release();
    return answer;
  } catch (error) {
    client.release(error instanceof Error ? error : new Error('the statement failed', { cause: error }));
    throw error;
  }
}

/** Tells the pool why a new connection may not be used, or that it may. */
async function verify(
  client: pg.PoolClient,
  onConnect: (database: Database) => Promise<void>,
  done: (unfit?: Error) => void,
): Promise<void> {
  let unfit: Error | undefined;
  // The pool listens to its idle connections only.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  try {
    await onConnect({ query: (text, values) => guarded(() => client.query<Record<string, unknown>>(text, values)) });
  } catch (error) {
    unfit = error instanceof Error ? error : new Error('a new connection was not found fit for use', { cause: error });
  } finally {
    client.off('error', ignore);
  }
  done(unfit);
}

function clientOf(client: pg.PoolClient, news: News): DatabaseClient {
  // A connection that breaks between two statements tells the next statement; it must not end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  // Of the transaction under way, and of those that have committed.
  let heard: Item[] = [];
  const toTell: Item[] = [];
  const send = async (text: string, values?: unknown[], call?: string): Promise<pg.QueryResult> => {
    const result = await client.query<Record<string, unknown>>(call === undefined ? text : collecting(call), values);
    if (call !== undefined) heard.push(...itemsOf(result.rows));
    if (client.getTransactionStatus() === 'T') return result;
    // Outside of a transaction block now: what was heard has committed, or was rolled back.
    if (result.command !== 'ROLLBACK') toTell.push(...heard);
    heard = [];
    return result;
  };
  const giveBack = (error?: Error): void => {
    client.off('error', ignore);
    client.release(error);
  };
  return {
    query: (text, values, call) => guarded(() => send(text, values, call)),
    release: (error) => {
      if (error !== undefined || toTell.length === 0) return giveBack(error);
      void news.tell(toTell, (text, values) => client.query(text, values)).then(giveBack);
    },
  };
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw databaseError(error);
  }
}
