import { isUnavailable } from '../postgres/unavailable.ts';
import { type StarCalls, type StarTransaction, starCurrency } from '../telegram/stars.ts';
import type { StarMovement } from './booking.ts';
import { bookOne, type Intake } from './intake.ts';
import { endReconciliation, keepReconciliation, type Taken, takeReconciliation } from './reconciliation-row.ts';

export interface ReconciliationDesk {
  intake: Intake;
  telegram: Pick<StarCalls, 'getStarTransactions'>;
  owner: string;
  signal: AbortSignal;
}

export const reconcileSeconds = 900;
const againSeconds = 60;
const leaseSeconds = 120;
/** The most that Telegram gives at once. */
const pageSize = 100;
/** So many of those we know are read again: what Telegram writes into its list late may stand before what was the last. */
const readAgain = 50;
/** Telegram’s clock is not PostgreSQL’s. */
const clockSkewSeconds = 600;

/**
 * Follows Telegram's own list of Star transactions and books what no update told us of. Runs when it is due, or at once with `isEarly`;
 * one replica does it. Every booking is its own transaction and repeats nothing, so it may die anywhere and two may even meet.
 */
export async function reconcile(desk: ReconciliationDesk, isEarly: boolean): Promise<'idle' | 'whole' | 'broken'> {
  const { owner } = desk;
  const { pool, log } = desk.intake;
  const cursor = await takeReconciliation(pool, owner, { isEarly, seconds: leaseSeconds });
  if (cursor === undefined) return 'idle';
  let isWhole = false;
  try {
    isWhole = await follow(cursor, desk);
  } catch (error) {
    log.warn({ err: error }, 'the list of Star transactions could not be followed; it is tried again in a minute');
  }
  await endReconciliation(pool, owner, { isWhole, seconds: isWhole ? reconcileSeconds : againSeconds });
  return isWhole ? 'whole' : 'broken';
}

/** Answers whether everything in the list is in the books. */
async function follow(cursor: Taken, desk: ReconciliationDesk): Promise<boolean> {
  const { telegram, owner, signal } = desk;
  const { pool, log } = desk.intake;
  let offset = Math.max(0, cursor.seen - readAgain);
  let isWhole = true;
  for (let isFirst = true; ; isFirst = false) {
    const page = await telegram.getStarTransactions(offset, pageSize, signal);
    if (isFirst && cursor.last !== null && !page.some((one) => nameOf(one) === cursor.last)) {
      log.warn('the list of Star transactions is not the one we knew; it is read from its beginning');
      const beginning = { seen: 0, last: null };
      if (!(await keepReconciliation(pool, owner, leaseSeconds, beginning))) return false;
      return follow({ ...cursor, ...beginning }, desk);
    }
    for (const transaction of page) {
      if (transaction.date < cursor.since - clockSkewSeconds) continue;
      isWhole = (await bookTransaction(transaction, desk.intake)) && isWhole;
    }
    offset += page.length;
    const last = page.at(-1);
    const reached = isWhole && last !== undefined ? { seen: offset, last: nameOf(last) } : undefined;
    if (!(await keepReconciliation(pool, owner, leaseSeconds, reached))) return false;
    if (page.length < pageSize) return isWhole;
  }
}

/** A payment and its return have the same id. */
function nameOf({ id, source }: StarTransaction): string {
  return `${source === undefined ? 'out' : 'in'}:${id}`;
}

/** What a transaction says of a person's payment; undefined for withdrawals, gifts and whatever else is no sale of ours. */
export function movementIn({ id, amount, source, receiver }: StarTransaction): StarMovement | undefined {
  const partner = source ?? receiver;
  const kind = partner?.transaction_type ?? 'invoice_payment';
  if (partner?.type !== 'user' || partner.user === undefined || kind !== 'invoice_payment') return undefined;
  return {
    direction: source === undefined ? 'return' : 'payment',
    facts: {
      chargeId: id,
      invoiceId: partner.invoice_payload ?? null,
      telegramId: partner.user.id,
      currency: starCurrency,
      stars: amount,
      source: 'reconciliation',
    },
    languageTag: partner.user.language_code,
  };
}

async function bookTransaction(transaction: StarTransaction, intake: Intake): Promise<boolean> {
  const movement = movementIn(transaction);
  if (movement === undefined) return true;
  const cause = await bookOne(movement, intake);
  // Nothing behind it would fare better.
  if (isUnavailable(cause)) throw cause;
  return cause === undefined;
}
