import { userInfo } from 'node:os';
import { z } from 'zod';
import type { ByHand } from '../ledger/by-hand.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';
import type { AdminEnvironment } from './config.ts';
import type { Terminal } from './terminal.ts';

/** What was asked for cannot be done as it was written. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly reason = 'Usage';
}

/** What may stand behind a command; each command takes those it needs. */
export interface Options {
  readonly reference?: string | undefined;
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
  readonly forfeit?: boolean | undefined;
  readonly resolve?: boolean | undefined;
  readonly telegram?: boolean | undefined;
  readonly limit?: string | undefined;
  readonly until?: string | undefined;
  readonly withdrawn?: boolean | undefined;
}

export interface Admin {
  readonly database: DatabasePool;
  readonly env: AdminEnvironment;
  readonly terminal: Terminal;
  readonly options: Options;
}

/** One command of the operator. */
export interface Command {
  /** As it is typed, without what it is about. */
  readonly words: string;
  /** What follows the words. */
  readonly usage: string;
  readonly about: string;
  /** Answers the exit code: 0 done, 1 refused or not found. @throws UsageError */
  run(rest: readonly string[], admin: Admin): Promise<number>;
}

/** Who acts and why, for the audit row. */
export function actOf({ options, env }: Admin): Omit<ByHand, 'reference'> {
  const dryRun = options['dry-run'] === true;
  const actor = options.actor ?? env.NEUROCARDS_ACTOR ?? loginName();
  if (actor === undefined || actor === '') throw new UsageError('say who does this: --actor NAME, or NEUROCARDS_ACTOR');
  const reason = options.reason ?? (dryRun ? 'not stored' : undefined);
  if (reason === undefined || reason === '')
    throw new UsageError('say why, for whoever reads it later: --reason "..." (or look first, with --dry-run)');
  return { actor, reason, dryRun };
}

/** In a pod nobody has a name. */
function loginName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/** The same, for what must never be done twice. */
export function actOnceOf(admin: Admin): ByHand {
  const { reference } = admin.options;
  if (reference === undefined || reference === '')
    throw new UsageError('say --reference: a ticket or any word that is never used twice, so that it is done once');
  return { reference, ...actOf(admin) };
}

const positive = z.coerce.number().int().positive();

export function numberOf(word: string | undefined, what: string): number {
  const read = positive.safeParse(word);
  if (!read.success) throw new UsageError(`${what} is a whole number above 0`);
  return read.data;
}

export function orderOf(word: string | undefined): string {
  const id = (word ?? '').replace(/^vj-/, '');
  if (!ORDER_ID_PATTERN.test(id)) throw new UsageError('name an order: 12 letters and digits, as in vj-<order>');
  return id;
}
