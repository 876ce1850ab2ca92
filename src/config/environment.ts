import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ConfigError } from './error.ts';
import { isSecret } from './pieces.ts';

const lineEnds = /[\r\n]+$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a process's settings. An empty variable counts as absent. A secret `NAME` may instead be in the file that
 * `NAME_FILE` names. Trailing newlines of a secret are dropped: a Secret made from a file or by `echo` has one. Throws one ConfigError that lists every problem, so that nobody has
 * to start a process five times to learn of five mistakes.
 */
export function parseEnvironment<S extends z.ZodObject>(
  schema: S,
  env: Environment,
  { service }: { readonly service: string },
): z.output<S> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  const unreadable = new Set<string>();
  for (const [name, field] of Object.entries(schema.shape)) {
    try {
      const value = readVariable(name, env, isSecret(field));
      if (value !== undefined) values[name] = value;
    } catch (error) {
      unreadable.add(name);
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  const result = schema.safeParse(values);
  if (!result.success) problems.push(...explain(schema, result.error.issues, values, unreadable));
  if (!result.success || problems.length > 0) throw new ConfigError(service, problems);
  return result.data;
}

function readVariable(name: string, env: Environment, secret: boolean): string | undefined {
  const direct = present(secret ? env[name]?.replace(lineEnds, '') : env[name]);
  const path = secret ? present(env[`${name}_FILE`]) : undefined;
  if (path === undefined) return direct;
  if (direct !== undefined) throw new Error(`${name} and ${name}_FILE are both set: keep one of them.`);
  try {
    return present(readFileSync(path, 'utf8').replace(lineEnds, ''));
  } catch (cause) {
    throw new Error(`${name}_FILE names ${path}, which cannot be read: create the file or correct the path.`, {
      cause,
    });
  }
}

function explain(
  schema: z.ZodObject,
  issues: readonly z.core.$ZodIssue[],
  values: Readonly<Record<string, string>>,
  unreadable: ReadonlySet<string>,
): string[] {
  const sentences = new Map<string, string>();
  for (const issue of issues) {
    const name = String(issue.path[0] ?? 'the environment');
    if (unreadable.has(name) || sentences.has(name)) continue;
    const field: unknown = schema.shape[name];
    const wanted = description(field) ?? 'a fitting value';
    const setting = field !== undefined && isSecret(field) ? `${name} (or ${name}_FILE)` : name;
    sentences.set(
      name,
      name in values || issue.path.length === 0
        ? `${name} is set, but not to what it must be: ${issue.message}. Set it to ${wanted}.`
        : `${setting} is not set: set it to ${wanted}.`,
    );
  }
  return [...sentences.values()];
}

/** The description of a field, also where `.optional()` or `.default()` was put around it. */
function description(field: unknown): string | undefined {
  let schema: unknown = field;
  while (typeof schema === 'object' && schema !== null) {
    const found: unknown = Reflect.get(schema, 'description');
    if (typeof found === 'string') return found;
    const def: unknown = Reflect.get(schema, 'def');
    schema =
      typeof def === 'object' && def !== null ? (Reflect.get(def, 'innerType') ?? Reflect.get(def, 'in')) : undefined;
  }
  return undefined;
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}
