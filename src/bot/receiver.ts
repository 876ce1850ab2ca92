import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';
import { type Update, updateSchema } from '../telegram/update.ts';
import { languageOf } from '../texts/language.ts';
import { textsIn } from '../texts/texts.ts';
import { storeUpdates } from './inbox.ts';
import { holdReceiver, releaseReceiver } from './receiver-lease.ts';

export interface ReceiverOptions {
  database: Database;
  telegram: TelegramClient;
  owner: string;
  leaseSeconds: number;
  log: Logger;
  signal: AbortSignal;
  /** Called once after each time the lease was taken. */
  onHeld?: () => Promise<void>;
}

/** What the receiver does now, for readiness. */
export interface ReceiverState {
  mode: 'starting' | 'standby' | 'polling' | 'webhook';
  /** When Telegram, or the lease, last answered as it should (ms of the monotonic clock). */
  lastGoodAt: number;
}

const pollSeconds = 25;

/**
 * Long-polls Telegram while this replica has the lease. An update is confirmed (by the next poll's offset) only after its row is
 * committed, so none is lost; one that comes twice is stored once.
 */
export async function receive(options: ReceiverOptions, state: ReceiverState): Promise<void> {
  const { database, owner, leaseSeconds, log, signal } = options;
  while (!signal.aborted) {
    const held = await holdReceiver(database, owner, leaseSeconds).catch((error: unknown) => {
      log.warn({ err: error }, 'the right to receive could not be asked for');
      return undefined;
    });
    if (held === true) {
      await pollWhileHeld(options, state);
    } else {
      state.mode = held === false ? 'standby' : state.mode;
      if (held === false) state.lastGoodAt = performance.now();
      await sleep(Math.min(2, leaseSeconds / 3) * 1000, signal);
    }
  }
  await releaseReceiver(database, owner).catch((error: unknown) => {
    log.warn({ err: error }, 'the right to receive was not given back; it runs out by itself');
  });
}

async function pollWhileHeld(options: ReceiverOptions, state: ReceiverState): Promise<void> {
  const { database, telegram, owner, leaseSeconds, log, signal, onHeld } = options;
  const lost = new AbortController();
  const held = AbortSignal.any([signal, lost.signal]);
  const renewing = renew(database, owner, leaseSeconds, held, lost, log);
  let offset = 0;
  state.mode = 'polling';
  log.info('receiving updates');
  await onHeld?.().catch((error: unknown) => log.warn({ err: error }, 'the profile was not set'));
  while (!held.aborted) {
    try {
      const updates = readUpdates(await telegram.getUpdates(offset, pollSeconds, held), log);
      await takeIn(updates.read, options);
      offset = updates.next ?? offset;
      state.lastGoodAt = performance.now();
    } catch (error) {
      if (held.aborted) break;
      log.warn({ err: error }, 'updates could not be received; asking again');
      await dropWebhook(error, telegram);
      await sleep(pauseAfter(error), held);
    }
  }
  lost.abort();
  await renewing;
}

/** Stores updates; a question of a checkout is answered at once instead, because Telegram waits 10 s for it. */
export async function takeIn(
  updates: readonly Update[],
  { database, telegram, log }: Pick<ReceiverOptions, 'database' | 'telegram' | 'log'>,
): Promise<void> {
  for (const { pre_checkout_query: checkout } of updates) {
    if (checkout === undefined) continue;
    const { paymentsLater } = textsIn(languageOf(checkout.from.language_code));
    await telegram.refuseCheckout(checkout.id, paymentsLater).catch((error: unknown) => {
      log.warn({ err: error }, 'a checkout was not answered');
    });
  }
  await storeUpdates(
    database,
    updates.filter((update) => update.pre_checkout_query === undefined),
  );
}

/** An update of a shape we do not know is passed over, or it would come again for ever. */
function readUpdates(raw: readonly unknown[], log: Logger): { read: Update[]; next: number | undefined } {
  const read: Update[] = [];
  let next: number | undefined;
  for (const one of raw) {
    const id = typeof one === 'object' && one !== null && 'update_id' in one ? Number(one.update_id) : Number.NaN;
    if (Number.isInteger(id)) next = Math.max(next ?? 0, id + 1);
    const parsed = updateSchema.safeParse(one);
    if (parsed.success) read.push(parsed.data);
    else log.error({ update: id }, 'an update has a shape that this release does not know; it is passed over');
  }
  return { read, next };
}

async function renew(
  database: Database,
  owner: string,
  leaseSeconds: number,
  held: AbortSignal,
  lost: AbortController,
  log: Logger,
): Promise<void> {
  let renewedAt = performance.now();
  while (!held.aborted) {
    await sleep((leaseSeconds * 1000) / 3, held);
    if (held.aborted) return;
    try {
      if (!(await holdReceiver(database, owner, leaseSeconds))) break;
      renewedAt = performance.now();
    } catch (error) {
      // Polling goes on: nothing is confirmed that was not stored, so a second poller harms nobody.
      log.warn(
        { err: error, heldForMs: Math.round(performance.now() - renewedAt) },
        'the right to receive was not renewed',
      );
    }
  }
  if (!held.aborted) log.warn('another replica receives now');
  lost.abort();
}

/** A webhook of an earlier configuration stands in the way of asking. What waits behind it is kept. */
async function dropWebhook(error: unknown, telegram: TelegramClient): Promise<void> {
  if (!(error instanceof TelegramError) || error.status !== 409 || !error.description.includes('webhook')) return;
  await telegram.deleteWebhook().catch(() => undefined);
}

function pauseAfter(error: unknown): number {
  if (!(error instanceof TelegramError)) return 1_000;
  // A revoked token needs an operator; another poller ends by itself.
  if (error.status === 401 || error.status === 404) return 10_000;
  if (error.status === 409) return 3_000;
  return Math.max(1, error.retryAfterSeconds) * 1000;
}

async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
