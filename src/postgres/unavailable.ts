const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** Shutdown, crash recovery, too many connections, and whatever else of classes 08 and 57 says "not now". */
const serverCodes = /^(08...|57P0[1-5]|53300)$/;
const driverTexts =
  /connection terminated|connection timeout|query read timeout|timeout exceeded when trying to connect|client has encountered a connection error|query read timeout/i;

/**
 * Whether the database could not be reached or went away in mid-call: the same idempotent call may be repeated.
 * It does not tell whether the call took effect.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isUnavailable);
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (networkCodes.has(code) || serverCodes.test(code) || driverTexts.test(error.message)) return true;
  return error.cause !== undefined && isUnavailable(error.cause);
}
