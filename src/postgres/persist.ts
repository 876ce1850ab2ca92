import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable } from './unavailable.ts';

const firstPauseMs = 200;
const longestPauseMs = 3_000;

/**
 * Repeats an idempotent call until the database has answered it, however long the database is away: what was learned from outside
 * (a task id, a shown video) must not be lost to a restart of PostgreSQL.
 * Ends early only when `signal` is aborted, or with any error that is not about reaching the database.
 */
export async function persist<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error) || signal?.aborted === true) throw error;
    }
    // Rejects when aborted meanwhile: the caller has lost the right to write.
    await pause(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}
