import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { nothing, timestamp } from '../postgres/row.ts';

/** Why nothing new may begin: which side came less far than the other remembers. */
export const AUDIT_CAUSES = ['database-forgot', 'cluster-forgot', 'other-database'] as const;
export type AuditCause = (typeof AUDIT_CAUSES)[number];

const facts = z.object({
  /** The cluster of PostgreSQL; another one after initdb, pg_upgrade, or a dump restored elsewhere. */
  systemIdentifier: z.string(),
  timeline: z.number().int(),
  /** Bytes of write-ahead log on the disk: on one timeline it never goes back. */
  written: z.string().transform((digits) => BigInt(digits)),
  lastTransfer: z.number().int(),
  /** This very database in this run of the server. */
  incarnation: z.string(),
  /** Whether a controller has compared this incarnation with its memory. */
  vouched: z.boolean(),
  state: z.enum(['marking', 'audit', 'resolved']),
  epoch: z.number().int(),
  proposed: z.number().int(),
  confirmed: z.number().int(),
  /** The system identifier at the newest confirmed mark. */
  markedSystemIdentifier: z.string().nullable(),
  cause: z.enum(AUDIT_CAUSES).nullable(),
  explanation: z.string().nullable(),
  enteredAt: timestamp.nullable(),
});
export type DatabaseFacts = z.infer<typeof facts>;

/** What tells this database from another one, and how far it has come. */
export const readDatabaseFacts = (database: Database): Promise<DatabaseFacts> =>
  callFunction(database, 'ledger.database_facts', [], facts);

/** Lets effects begin after a start of the server that the leading controller compared with its memory. */
export const vouchForDatabase = (database: Database, incarnation: string): Promise<undefined> =>
  callFunction(database, 'ledger.vouch_for_database', [incarnation], nothing);

const proposed = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('audit') }),
  z.object({ outcome: z.literal('proposed'), facts }),
]);
/** The next mark for the cluster to keep; `seen` is the counter that stands there now. */
export const proposeMark = (database: Database, seen: number): Promise<z.infer<typeof proposed>> =>
  callFunction(database, 'ledger.propose_mark', [seen], proposed);

/** The cluster has stored the proposed mark; false when another controller was faster, or audit mode was entered. */
export const confirmMark = async (database: Database, epoch: number, counter: number): Promise<boolean> =>
  (await callFunction(database, 'ledger.confirm_mark', [epoch, counter], z.object({ confirmed: z.boolean() })))
    .confirmed;

/** Nothing new begins from here on, until an operator has resolved it. False when that was so already. */
export const enterAuditMode = async (
  database: Database,
  epoch: number,
  cause: AuditCause,
  explanation: string,
): Promise<boolean> =>
  (
    await callFunction(
      database,
      'ledger.enter_audit_mode',
      [epoch, cause, explanation],
      z.object({ entered: z.boolean() }),
    )
  ).entered;
