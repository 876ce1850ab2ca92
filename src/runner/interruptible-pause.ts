import { setTimeout as pause } from 'node:timers/promises';

/** Timers may fire a moment early, and a row lets nobody begin before its time. */
const earlyMs = 20;

/** Waits so many seconds; true when the signal broke it off. */
export async function interrupted(afterSeconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  return pause(Math.max(0, afterSeconds) * 1000 + earlyMs, false, { signal }).catch(() => true);
}
