import { z } from 'zod';

/*
 * The kinds of settings, each with a description that ends the sentence "set it to ...". A process composes its own
 * schema from them. Messages of checks never repeat the value, because it may be a secret.
 */

const SECRETS = new WeakSet<object>();

/** A value that may also come from a file (`NAME_FILE`), as mounted Secrets do. */
export function secret(description = 'the secret, or its file', minLength = 1) {
  const schema = z.string().min(minLength, `it is shorter than ${minLength} characters`).describe(description);
  SECRETS.add(schema);
  return schema;
}

/** A secret that is a PostgreSQL URL, because it carries a password. */
export function databaseUrl(description = 'a PostgreSQL URL such as postgres://user:password@host:5432/neurocards') {
  const schema = z
    .string()
    .refine((value) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value), 'it is not a postgres:// URL')
    .describe(description);
  SECRETS.add(schema);
  return schema;
}

/** An http(s) URL without a slash at its end. */
export function httpUrl(description = 'a URL such as https://example.com') {
  return z
    .string()
    .refine((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'it is not an http:// or https:// URL')
    .transform((value) => value.replace(/\/+$/, ''))
    .describe(description);
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** Where to listen: `host:port`, `:port` for every interface, port 0 for a free one. IPv6 in brackets. */
export function httpAddress(description = 'an address to listen on such as 127.0.0.1:8080 or :8080') {
  return z
    .string()
    .transform((value, context): HttpAddress => {
      const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(value);
      const port = Number(match?.[3] ?? Number.NaN);
      if (match !== null && port <= 65_535) return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
      context.addIssue({ code: 'custom', message: 'it is not host:port' });
      return z.NEVER;
    })
    .describe(description);
}

/** A whole number within bounds. */
export function integer(min: number, max: number, description = `a whole number from ${min} to ${max}`) {
  return z
    .string()
    .regex(/^-?\d+$/, 'it is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `it is not from ${min} to ${max}`)
    .describe(description);
}

/** A number of seconds; fractions are allowed, because tests compress time. */
export function seconds(min: number, max: number, description = `a number of seconds from ${min} to ${max}`) {
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'it is not a number of seconds')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `it is not from ${min} to ${max}`)
    .describe(description);
}

/** true or false, in the usual spellings. */
export function flag(description = 'true or false') {
  return z.stringbool().describe(description);
}

export function choice<const T extends readonly [string, ...string[]]>(values: T, description?: string) {
  return z.enum(values).describe(description ?? `one of ${values.join(', ')}`);
}

export function text(description: string) {
  return z.string().min(1).describe(description);
}

/** The level of the log; every process has it. */
export function logLevel() {
  return choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'one of trace, debug, info, warn, error, silent',
  );
}

/** Whether a field is a secret, also where `.optional()` or another wrapper was put around it. */
export function isSecret(field: unknown): boolean {
  let schema: unknown = field;
  while (typeof schema === 'object' && schema !== null) {
    if (SECRETS.has(schema)) return true;
    const def: unknown = Reflect.get(schema, 'def');
    schema =
      typeof def === 'object' && def !== null ? (Reflect.get(def, 'innerType') ?? Reflect.get(def, 'in')) : undefined;
  }
  return false;
}
