import {
  confirmMark,
  type DatabaseFacts,
  enterAuditMode,
  proposeMark,
  readDatabaseFacts,
  vouchForDatabase,
} from '../audit/database-facts.ts';
import { readMark, type StoredMark, writeMark } from '../audit/mark-store.ts';
import { type Forgotten, findForgotten } from '../audit/marks.ts';
import type { KubeClient, Target } from '../kube/client.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';

export interface MemoryOptions {
  kube: KubeClient;
  /** Where the mark is kept: the controller's own namespace. */
  target: Target;
  log: Logger;
}

/** What a controller remembers of PostgreSQL, and its part in finding a restore. */
export interface Memory {
  /** Audit mode, as this process knows it: nothing is to be done but to look. */
  readonly standstill: boolean;
  /** Audit mode was left in the life of this process. */
  readonly wasResolved: boolean;
  /** Only the leader says of a start of the server that nothing is missing. */
  leading: boolean;
  /**
   * Compares the database behind this connection with what is remembered; enters audit mode when something is missing.
   * For every new connection, before it is used, and for every audit.
   * @throws whatever kept it from comparing: an uncompared database must not be used.
   */
  check(database: Database): Promise<DatabaseFacts>;
  /** After an audit: a new mark into the cluster, and its counter into PostgreSQL. */
  mark(database: Database): Promise<void>;
  /** Something else proved that one side forgot. */
  enter(database: Database, forgotten: Forgotten): Promise<void>;
}

/** Without a mark of its own a process compares with nothing but what it reads at its first check. */
export function createMemory({ kube, target, log }: MemoryOptions): Memory {
  let seen: DatabaseFacts | undefined;
  let stored: StoredMark | undefined;
  let standstill = false;
  let wasResolved = false;

  /** Read again where PostgreSQL knows of a newer mark than we do. */
  async function markFor(
    before: DatabaseFacts,
    known: StoredMark | undefined,
  ): Promise<{ stored: StoredMark; fresh: boolean }> {
    const current =
      known?.mark !== undefined && before.confirmed <= known.mark.counter && before.epoch <= known.mark.epoch;
    if (known !== undefined && current) return { stored: known, fresh: false };
    const fresh = await readMark(kube, target);
    stored = fresh;
    return { stored: fresh, fresh: true };
  }

  async function enterWith(database: Database, epoch: number, { cause, explanation }: Forgotten): Promise<void> {
    // Whatever becomes of the call, this process does nothing more with a database that forgot.
    standstill = true;
    if (await enterAuditMode(database, epoch, cause, explanation)) {
      log.fatal({ cause, explanation }, 'audit mode: nothing new begins until neurocards admin audit --resolve');
    }
  }

  const memory: Memory = {
    leading: false,
    get standstill() {
      return standstill;
    },
    get wasResolved() {
      return wasResolved;
    },
    async check(database) {
      // As both are before PostgreSQL is asked: what another call of ours adds meanwhile, an answer that is late cannot know of.
      const known = seen;
      const remembered = stored;
      const before = await readDatabaseFacts(database);
      const read = await markFor(before, remembered);
      const after = read.fresh ? await readDatabaseFacts(database) : before;
      const forgotten = findForgotten({ before, after, mark: read.stored.mark, seen: known });
      if (forgotten !== null) {
        await enterWith(database, after.epoch, forgotten);
        return after;
      }
      if (after.state === 'audit') {
        standstill = true;
        return after;
      }
      if (standstill) {
        log.warn({ epoch: after.epoch }, 'audit mode was resolved; work goes on');
        wasResolved = true;
        standstill = false;
      }
      seen = newer(seen, after);
      if (memory.leading && !after.vouched) {
        await vouchForDatabase(database, after.incarnation);
        log.info({ incarnation: after.incarnation }, 'nothing is missing from this start of PostgreSQL');
      }
      return after;
    },
    async mark(database) {
      const current = await readMark(kube, target);
      const proposed = await proposeMark(database, current.mark?.counter ?? 0);
      if (proposed.outcome === 'audit') return;
      const { facts } = proposed;
      // Never over a mark that is ahead of us: the next check says what that means.
      if (facts.state === 'marking' && (current.mark?.counter ?? 0) > facts.proposed) return;
      const next = {
        systemIdentifier: facts.systemIdentifier,
        timeline: facts.timeline,
        lastTransfer: facts.lastTransfer,
        epoch: facts.epoch,
        counter: facts.proposed,
      };
      if (!(await writeMark(kube, target, current, next))) return;
      stored = { mark: next, object: undefined };
      await confirmMark(database, facts.epoch, facts.proposed);
    },
    async enter(database, forgotten) {
      await enterWith(database, (await readDatabaseFacts(database)).epoch, forgotten);
    },
  };
  return memory;
}

/** Checks of several connections end in any order. */
function newer(known: DatabaseFacts | undefined, found: DatabaseFacts): DatabaseFacts {
  if (known === undefined || known.epoch < found.epoch || known.timeline < found.timeline) return found;
  return known.epoch === found.epoch && known.timeline === found.timeline && known.written > found.written
    ? known
    : found;
}
