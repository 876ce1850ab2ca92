import type { z } from 'zod';
import { badRequest } from './refusal.ts';

/** One file of a multipart request, already on disk. */
export type Upload = {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly name: string;
  readonly mime: string;
};

/**
 * The parameters of one call. Like the real server we turn every value of a JSON body into its text first, so that
 * JSON, urlencoded, multipart and query string mean the same.
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, Upload>;

  constructor(values: ReadonlyMap<string, string>, files: ReadonlyMap<string, Upload> = new Map()) {
    this.#values = values;
    this.files = files;
  }

  /** The value, '' when it was not sent. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === '') throw badRequest(`parameter "${name}" is required`);
    return value;
  }

  /** What is not a number counts as not sent, as in the real server. */
  integer(name: string, fallback: number, least = -Infinity, most = Infinity): number {
    const value = this.text(name).trim();
    const number = /^-?\d+(\.0+)?$/.test(value) ? Number(value) : fallback;
    return Math.min(Math.max(number, least), most);
  }

  flag(name: string): boolean {
    return ['true', 'yes', '1'].includes(this.text(name).trim().toLowerCase());
  }

  /** A value that is itself JSON; undefined when it was not sent. */
  json<T>(name: string, schema: z.ZodType<T>, complaint: string): T | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    return parseJson(text, schema, complaint);
  }
}

export function parseJson<T>(text: string, schema: z.ZodType<T>, complaint: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest(complaint);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badRequest(complaint);
  return parsed.data;
}
