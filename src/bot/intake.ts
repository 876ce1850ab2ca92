import type { Logger } from '../log/logger.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { isUnavailable } from '../postgres/unavailable.ts';
import type { Update } from '../telegram/update.ts';
import { type Booked, book, movementOf, type StarMovement } from './booking.ts';
import type { Checkouts } from './checkout.ts';
import { storeUpdates } from './inbox.ts';

/** Takes in what Telegram says, by polling or by webhook. */
export interface Intake {
  pool: DatabasePool;
  checkouts: Checkouts;
  /** Where people reach a human being. */
  contact: string;
  log: Logger;
  /** Told of every payment and return. */
  onBooked?: (source: StarMovement['facts']['source'], outcome: Booked | 'failed') => void;
}

/** An update that was not stored and has to come again. */
export interface Failed {
  updateId: number;
  isPayment: boolean;
  cause: unknown;
}

/** Begins to answer the checkouts among updates, without waiting; answers the other updates. */
export function answerCheckouts(updates: readonly Update[], { checkouts }: Pick<Intake, 'checkouts'>): Update[] {
  for (const { pre_checkout_query: query } of updates) if (query !== undefined) void checkouts.answer(query);
  return updates.filter((update) => update.pre_checkout_query === undefined);
}

/**
 * Stores updates; all but those it answers with may be confirmed to Telegram. A payment is booked in the transaction that stores its
 * update: one that cannot be booked is not stored either, and neither keeps others out nor is kept out by them.
 */
export async function store(updates: readonly Update[], intake: Intake): Promise<Failed[]> {
  const told = updates.map((update) => ({ update, movement: movementOf(update) }));
  const failed: Failed[] = [];
  for (const { update, movement } of told) {
    if (movement === undefined) continue;
    const last = failed.at(-1)?.cause;
    // Away is away: each payment would only wait for it once more.
    const cause = isUnavailable(last) ? last : await bookOne(movement, intake);
    if (cause !== undefined) failed.push({ updateId: update.update_id, isPayment: true, cause });
  }
  const others = told.filter(({ movement }) => movement === undefined).map(({ update }) => update);
  try {
    await storeUpdates(intake.pool, others);
  } catch (cause) {
    failed.push(...others.map(({ update_id }) => ({ updateId: update_id, isPayment: false, cause })));
  }
  return failed;
}

/** Books one movement, counts it and says what is wrong with it; answers why it failed, or undefined. */
export async function bookOne(movement: StarMovement, { pool, contact, log, onBooked }: Intake): Promise<unknown> {
  const { source } = movement.facts;
  try {
    const outcome = await book(pool, movement, contact);
    onBooked?.(source, outcome);
    if (outcome === 'unmatched' || outcome === 'conflict') {
      log.error(
        { charge: movement.facts.chargeId, outcome },
        'a payment fits nothing we know; an operator has to look',
      );
    }
    return undefined;
  } catch (error) {
    onBooked?.(source, 'failed');
    log.error({ err: error, charge: movement.facts.chargeId }, 'a payment could not be booked; it is tried again');
    return error;
  }
}
