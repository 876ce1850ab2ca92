import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The absolute path of this checkout. */
export const checkout = resolve(import.meta.dirname, '..');

/**
 * Where programs that are expensive to get are kept between checkouts: `NEUROCARDS_CACHE`, else
 * `XDG_CACHE_HOME/neurocards`, else `~/.cache/neurocards`.
 */
export function cacheDirectory(): string {
  const { NEUROCARDS_CACHE: own, XDG_CACHE_HOME: base } = process.env;
  if (own) return resolve(own);
  return join(base || join(homedir(), '.cache'), 'neurocards');
}

/** A short name for a path, the same in every run. */
export function pathHash(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
}
