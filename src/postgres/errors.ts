import { isUnavailable } from './unavailable.ts';

/** What a caller can do about an error of the database. */
export type DatabaseErrorReason =
  /** It could not be reached, or went away in mid-call. The same idempotent call may be repeated. */
  | 'Unavailable'
  /** The connection was lost during COMMIT: it took effect or it did not. Repeat the same call with the same key, never with a new one. */
  | 'OutcomeUnknown'
  /** A rule of the schema refused it; `constraint` names the rule. */
  | 'Refused'
  /** This role has no right to do that. */
  | 'Forbidden'
  /** The server does not let this role in: user, password, database or pg_hba.conf. */
  | 'Login'
  /** Two transactions met; the whole one may be repeated. */
  | 'Conflict'
  | 'Other';

const remedies: Readonly<Record<DatabaseErrorReason, string>> = {
  Unavailable: 'see that PostgreSQL runs and is reachable; the call is repeated by whoever may',
  OutcomeUnknown: 'repeat the same call with the same key: it finds out what became of the first one',
  Refused: 'this is a rule of the schema; look up its name in the migrations',
  Forbidden: 'connect as the role that this process has, and run "neurocards migrate" with this version',
  Login: 'see that user, password and database of the URL are right, and that pg_hba.conf lets them in',
  Conflict: 'repeat the whole transaction',
  Other: 'see the cause',
};

/** An error of the database. The message never has values of a row: PostgreSQL's detail and parameters are left out. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly reason: DatabaseErrorReason;
  /** SQLSTATE, where the server answered. */
  readonly code: string | undefined;
  /** The rule that refused, for `Refused`. */
  readonly constraint: string | undefined;

  constructor(reason: DatabaseErrorReason, what: string, cause: unknown) {
    const code = textOf(cause, 'code');
    const constraint = textOf(cause, 'constraint');
    const detail = constraint ?? code;
    super(`${what}${detail === undefined ? '' : ` (${detail})`}: ${remedies[reason]}`, { cause });
    this.reason = reason;
    this.code = code;
    this.constraint = constraint;
  }
}

const sentences: Readonly<Record<DatabaseErrorReason, string>> = {
  Unavailable: 'the database could not be reached',
  OutcomeUnknown: 'the connection was lost during COMMIT, so nobody knows whether it took effect',
  Refused: 'the database refused the change',
  Forbidden: 'the database role may not do this',
  Login: 'PostgreSQL refused the connection',
  Conflict: 'the transaction met another one',
  Other: 'the database answered with an error',
};

/** Wraps whatever the driver threw. An error that is one of ours already stays as it is. */
export function databaseError(thrown: unknown, reason: DatabaseErrorReason = classify(thrown)): unknown {
  if (thrown instanceof DatabaseError) return thrown;
  if (reason === 'Other' && textOf(thrown, 'code') === undefined) return thrown;
  return new DatabaseError(reason, sentences[reason], thrown);
}

/** The rule that refused a statement, for callers that expect one: `ruleOf(error) === 'admin_reference_reused'`. */
export function ruleOf(thrown: unknown): string | undefined {
  return thrown instanceof DatabaseError ? thrown.constraint : textOf(thrown, 'constraint');
}

/** invalid_password, invalid_authorization_specification, invalid_catalog_name */
const loginCodes = new Set(['28P01', '28000', '3D000']);

function classify(thrown: unknown): DatabaseErrorReason {
  if (isUnavailable(thrown)) return 'Unavailable';
  const code = textOf(thrown, 'code') ?? '';
  if (code === '42501') return 'Forbidden';
  if (loginCodes.has(code)) return 'Login';
  if (code === '40001' || code === '40P01') return 'Conflict';
  if (code.startsWith('23')) return 'Refused';
  return 'Other';
}

function textOf(thrown: unknown, key: 'code' | 'constraint'): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const value: unknown = Reflect.get(thrown, key);
  return typeof value === 'string' ? value : undefined;
}
