import type { Database } from '../../src/postgres/call.ts';
import { databaseError } from '../../src/postgres/errors.ts';
import type { DatabasePool } from '../../src/postgres/pool.ts';
import type { Misdeed } from './luck.ts';
import type { Network } from './network.ts';
import { callModel } from './postgres/functions.ts';
import type { Notification, Tables } from './postgres/tables.ts';
import type { Process } from './process.ts';

const writing: readonly Misdeed[] = [
  ...(['before', 'after', 'delayed', 'twice', 'kill before', 'kill after', 'pause', 'away'] as const),
];
const reading: readonly Misdeed[] = ['before', 'after', 'kill before', 'pause'];
const readers = new Set(['observe', 'balance', 'open_orders', 'own_order']);
/** The longest a client waits for an answer (`query_timeout`). */
const limitMs = 35_000;

const statement = /^select ledger\.([a-z_]+)\(/;

/** PostgreSQL as one process of ours reaches it. */
export class DatabaseDoor implements DatabasePool {
  readonly #network: Network;
  readonly #tables: Tables;
  readonly #process: Process;
  readonly #onCommit: (told: readonly Notification[]) => void;

  constructor(network: Network, tables: Tables, process: Process, onCommit: (told: readonly Notification[]) => void) {
    this.#network = network;
    this.#tables = tables;
    this.#process = process;
    this.#onCommit = onCommit;
  }

  query(text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> {
    const name = nameOf(text);
    return this.#network.ask({
      process: this.#process,
      side: 'postgres',
      effect: name,
      about: aboutOf(name, values, this.#tables),
      misdeeds: readers.has(name) ? reading : writing,
      perform: () => {
        const answer = call(this.#tables, name, values);
        this.#onCommit(this.#tables.commit());
        return { rows: [{ answer }] };
      },
      lost: () => ({ error: connectionLost() }),
      limitMs,
    });
  }

  /** A transaction's statements meet nobody else's: what is lost, or late in its answer, is its COMMIT. */
  async connect(): Promise<Database & { release(error?: Error): void }> {
    const tables = this.#tables;
    const process = this.#process;
    let mark: ReturnType<Tables['mark']> | undefined;
    let first: { name: string; about: string | undefined } | undefined;
    const statements: { name: string; values: readonly unknown[] }[] = [];
    const undo = (): void => {
      if (mark !== undefined) tables.rollback(mark);
      mark = undefined;
    };
    const again = (): void => {
      const begin = tables.mark();
      try {
        for (const statement of statements) callModel(tables, statement.name, statement.values);
        this.#onCommit(tables.commit());
      } catch {
        // Refused, as a transaction that comes a second time may be: it has no effect.
        tables.rollback(begin);
      }
    };
    return {
      query: async (text, values = []) => {
        if (!process.alive) return new Promise(() => undefined);
        if (text === 'begin') mark = tables.mark();
        else if (text === 'rollback') undo();
        else if (text === 'commit') {
          await this.#network.commit(
            { process, effect: first?.name ?? 'commit', about: first?.about },
            { apply: () => this.#onCommit(tables.commit()), undo, again, lost: connectionLost },
          );
        } else {
          const name = nameOf(text);
          const answer = call(tables, name, values);
          statements.push({ name, values });
          first ??= { name, about: aboutOf(name, values, tables) };
          return { rows: [{ answer }] };
        }
        return { rows: [] };
      },
      release: () => undefined,
    };
  }

  async end(): Promise<void> {}
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = statement.exec(text)?.[1];
  if (name === undefined) throw new Error(`the model of PostgreSQL does not know this statement: ${text.slice(0, 80)}`);
  names.set(text, name);
  return name;
}

function call(tables: Tables, name: string, values: readonly unknown[]): unknown {
  try {
    return callModel(tables, name, values);
  } catch (error) {
    throw databaseError(error);
  }
}

function connectionLost(): unknown {
  return databaseError(Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' }));
}

/** Functions that name an attempt by its number, and those that name a nonce. */
function aboutOf(name: string, values: readonly unknown[], tables: Tables): string | undefined {
  const [first] = values;
  if (typeof first === 'number') {
    if (name === 'end_notice' || name === 'postpone_notice') {
      return tables.notices.find(({ noticeId }) => noticeId === first)?.orderId;
    }
    return tables.attempt(first)?.orderId;
  }
  if (typeof first !== 'string') return undefined;
  if (tables.orders.has(first)) return first;
  const attemptId = tables.submitNonces.get(first)?.attemptId;
  if (attemptId != null) return tables.attempt(attemptId)?.orderId;
  return tables.edits.get(first)?.orderId ?? undefined;
}
