import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';
import { type Batch, offsetAfter, readBatch } from './batch.ts';
import { answerCheckouts, type Failed, type Intake, store } from './intake.ts';
import { holdReceiver, releaseReceiver } from './receiver-lease.ts';

export interface ReceiverOptions {
  intake: Intake;
  telegram: TelegramClient;
  owner: string;
  leaseSeconds: number;
  signal: AbortSignal;
  /** Called once after each time the lease was taken; receiving does not wait for it. */
  onHeld?: () => Promise<void>;
}

/** What the receiver does now, for readiness. */
export interface ReceiverState {
  mode: 'starting' | 'standby' | 'polling' | 'webhook';
  /** When Telegram, or the lease, last answered as it should (ms of the monotonic clock). */
  lastGoodAt: number;
}

const pollSeconds = 25;
/** While storing takes longer than this, checkouts are looked for all the same. */
const storingMs = 1_000;

/**
 * Long-polls Telegram while this replica has the lease. An update is confirmed (by the next poll's offset) only after its row is
 * committed, so none is lost; one that comes twice is stored once.
 */
export async function receive(options: ReceiverOptions, state: ReceiverState): Promise<void> {
  const { owner, leaseSeconds, signal } = options;
  const { pool: database, checkouts, log } = options.intake;
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
  await checkouts.idle();
  await releaseReceiver(database, owner).catch((error: unknown) => {
    log.warn({ err: error }, 'the right to receive was not given back; it runs out by itself');
  });
}

async function pollWhileHeld(options: ReceiverOptions, state: ReceiverState): Promise<void> {
  const { intake, telegram, owner, leaseSeconds, signal, onHeld } = options;
  const { pool: database, log } = intake;
  const lost = new AbortController();
  const held = AbortSignal.any([signal, lost.signal]);
  const renewing = renew(database, owner, leaseSeconds, held, lost, log);
  let offset = 0;
  state.mode = 'polling';
  log.info('receiving updates');
  const greeting = onHeld?.().catch((error: unknown) => log.warn({ err: error }, 'the profile was not set'));
  while (!held.aborted) {
    try {
      const batch = readBatch(await telegram.getUpdates(offset, pollSeconds, held), log);
      const failed = await storeBatch(batch, offset, options, held);
      offset = offsetAfter(batch, failed, log) ?? offset;
      if (failed[0] !== undefined) throw failed[0].cause;
      state.lastGoodAt = performance.now();
    } catch (error) {
      if (held.aborted) break;
      log.warn({ err: error }, 'updates could not be received; asking again');
      await dropWebhook(error, telegram);
      await sleep(pauseAfter(error), held);
    }
  }
  lost.abort();
  await Promise.all([renewing, greeting]);
}

/**
 * Checkouts are answered beside storing, and those that come while it takes long are answered too: Telegram waits 10 s for them, and
 * PostgreSQL may not answer for longer.
 */
async function storeBatch(
  batch: Batch,
  offset: number,
  { intake, telegram }: ReceiverOptions,
  held: AbortSignal,
): Promise<Failed[]> {
  const storing = store(answerCheckouts(batch.read, intake), intake);
  while (!(await isOver(storing, storingMs)) && !held.aborted) {
    // The same offset confirms nothing, so this batch comes again with whatever is new behind it. Behind a hundred that wait nothing is
    // seen; a checkout there is over without an answer, and nothing is charged.
    const waiting = await telegram.getUpdates(offset, 0, held).catch(() => []);
    answerCheckouts(readBatch(waiting, intake.log).read, intake);
  }
  return storing;
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

/** Whether it ends within so many milliseconds. */
async function isOver(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const waiting = new AbortController();
  const over = work.then(
    () => true,
    () => true,
  );
  const late = pause(milliseconds, false, { signal: waiting.signal }).catch(() => false);
  const result = await Promise.race([over, late]);
  waiting.abort();
  return result;
}

async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
