import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

export interface ListenOptions {
  /** Called once the channel is listened to, at first and again: what was notified meanwhile is lost, so look yourself. */
  readonly onReconnect?: () => void;
  /** Called with every loss and every failed try. */
  readonly onError?: (error: unknown) => void;
  readonly applicationName?: string;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** A connection that died silently (a firewall, a paused machine) is found out by asking. */
const probeEveryMs = 20_000;
const probeTimeoutMs = 10_000;

/**
 * Listens to one channel on a connection of its own until `signal` is aborted, connecting again with growing pauses.
 * A notification only says "look now": whoever listens also looks from time to time without one.
 */
export async function listen(
  url: string,
  channel: string,
  onPayload: (payload: string) => void,
  signal: AbortSignal,
  options: ListenOptions = {},
): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    const began = Date.now();
    try {
      await listenOnce(url, channel, onPayload, signal, options);
    } catch (error) {
      if (!signal.aborted) options.onError?.(error);
    }
    pauseMs = Date.now() - began > longestPauseMs ? firstPauseMs : Math.min(longestPauseMs, pauseMs * 2);
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One connection's life: returns when aborted, throws when it is lost. */
async function listenOnce(
  url: string,
  channel: string,
  onPayload: (payload: string) => void,
  signal: AbortSignal,
  options: ListenOptions,
): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: options.applicationName ?? 'neurocards-listen',
    connectionTimeoutMillis: 5_000,
    query_timeout: probeTimeoutMs,
    keepAlive: true,
  });
  const over = Promise.withResolvers<void>();
  client.on('error', over.reject);
  client.on('end', () => over.reject(new Error('the connection was closed')));
  client.on('notification', (message) => {
    if (message.channel === channel) onPayload(message.payload ?? '');
  });
  const abort = (): void => over.resolve();
  signal.addEventListener('abort', abort, { once: true });
  const probe = setInterval(() => void client.query('select 1').catch(over.reject), probeEveryMs);
  try {
    await client.connect();
    await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    options.onReconnect?.();
    if (signal.aborted) over.resolve();
    await over.promise;
  } finally {
    clearInterval(probe);
    signal.removeEventListener('abort', abort);
    over.promise.catch(() => undefined);
    await client.end().catch(() => undefined);
  }
}
