/** What is said of an error: never its other properties, for clients hang whole requests and bodies on them. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly reason?: string;
  readonly code?: string;
  readonly status?: number;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

const MAX_CAUSES = 5;
const MAX_MESSAGE = 1_000;

/** Describes an error and its chain of causes for a log line. Anything thrown is accepted. */
export function describeError(thrown: unknown, depth = 0): ErrorDescription {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: clip(String(thrown)) };
  return {
    type: thrown.name,
    message: clip(thrown.message),
    ...pick(thrown, 'reason'),
    ...pick(thrown, 'code'),
    ...('status' in thrown && typeof thrown.status === 'number' ? { status: thrown.status } : {}),
    ...(depth === 0 && thrown.stack !== undefined ? { stack: frames(thrown.stack) } : {}),
    ...(thrown.cause !== undefined && depth < MAX_CAUSES ? { cause: describeError(thrown.cause, depth + 1) } : {}),
  };
}

/** The error's machine-readable reason, or its code, or its class: fit for a label only where the set is closed. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'Unknown';
  const named = { ...pick(thrown, 'code'), ...pick(thrown, 'reason') };
  return named.reason ?? named.code ?? thrown.name;
}

function pick<K extends 'reason' | 'code'>(error: Error, key: K): Partial<Record<K, string>> {
  const value: unknown = Reflect.get(error, key);
  const found: Partial<Record<K, string>> = {};
  if (typeof value === 'string') found[key] = value;
  return found;
}

/** The stack without its first line, which repeats the message. */
function frames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 20)
    .join('\n');
}

function clip(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}
