import { z } from 'zod';
import { isUnavailable } from '../../../src/postgres/unavailable.ts';

/*
 * What our processes write of trouble, judged as the simulation judges thrown errors (test/simulation/classified.ts): trouble of the outside
 * has a name in the product, and everything else is a mistake of ours, however calmly it is taken up again.
 */

const described = z.object({
  type: z.string(),
  message: z.string(),
  reason: z.string().optional(),
  code: z.string().optional(),
  status: z.number().optional(),
  get cause(): z.ZodOptional<typeof described> {
    return described.optional();
  },
});
type Described = z.infer<typeof described>;

const logged = z.object({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
  msg: z.string().default(''),
  err: described.optional(),
  error: described.optional(),
});

/** Errors with which the product says that somebody else was in trouble, or faster. */
const outside: ReadonlySet<string> = new Set([
  ...['ProviderError', 'HttpCallError', 'TelegramError', 'StorageError', 'VideoJobParseError'],
  // Whoever lost a lease ends what it did under it.
  ...['LeaseLostError', 'LeaseRanOutError', 'AbortError', 'TimeoutError'],
]);
/**
 * What a database or an API server says to a statement or a request that no code of ours may make. An API server that has just started
 * forbids everything until it has read its roles, so a 403 of it says nothing; who may do what is compared elsewhere.
 */
const ourMistakes: Readonly<Record<string, ReadonlySet<string>>> = {
  DatabaseError: new Set(['Refused', 'Other', 'Forbidden', 'Login']),
  KubeError: new Set(['BadRequest', 'Invalid', 'Unauthorized', 'MethodNotAllowed']),
};
/** Written at level error without an error: the story makes them happen. */
const toldOnPurpose: ReadonlySet<string> = new Set(['the name of an open order is taken by another VideoJob']);

/** Why a line of a log is about no trouble that the product knows a name for; undefined when it is, or is about none. */
export function unclassified(line: string): string | undefined {
  const found = logged.safeParse(jsonOf(line));
  if (!found.success) return plain(line);
  const { level, msg, err, error } = found.data;
  if (level === 'info' || level === 'debug' || level === 'trace') return undefined;
  const about = err ?? error;
  if (about !== undefined) {
    const why = strange(about);
    return why === undefined ? undefined : `${level} "${msg}": ${why}`;
  }
  return level === 'warn' || toldOnPurpose.has(msg) ? undefined : `${level} "${msg}"`;
}

function strange(error: Described): string | undefined {
  const { type, reason = '', message } = error;
  const mistakes = ourMistakes[type];
  if (mistakes !== undefined) return mistakes.has(reason) ? `${type} ${reason}: ${message.slice(0, 200)}` : undefined;
  if (outside.has(type) || isUnavailable(thrown(error))) return undefined;
  return `${type}: ${message.slice(0, 200)}`;
}

/** The driver's own errors are known by their codes and words alone. */
function thrown({ message, code, cause }: Described): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: thrown(cause) });
  return code === undefined ? error : Object.assign(error, { code });
}

/** What is not in the log's own form: warnings of Node, and the last sentence of a process that gives up. */
function plain(line: string): string | undefined {
  return line === '' || harmless.some((one) => one.test(line)) ? undefined : `outside the log: ${line.slice(0, 200)}`;
}

const harmless: readonly RegExp[] = [
  /^\(node:\d+\) \[DEP\d+\] DeprecationWarning: /,
  /^\(Use `node --trace-deprecation/,
  // A runner that could not go on, and whose next execution does.
  /^the database could not be reached/,
  /^the connection was lost during COMMIT/,
];

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
