import { setTimeout as pause } from 'node:timers/promises';
import { ApiError, type ApiReason } from './api.ts';

/** Delays that grow from `firstMs` to `mostMs`, each half fixed and half random. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#nextMs = firstMs;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const delay = this.#nextMs;
    this.#nextMs = Math.min(this.#mostMs, delay * 2);
    return delay / 2 + Math.random() * (delay / 2);
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Waits; false when the signal cut the waiting short. */
export async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}

// Forbidden is among them because a server that has just started answers so until it has read its roles.
const passing: ReadonlySet<ApiReason> = new Set(['Unreachable', 'Overloaded', 'Forbidden']);

/**
 * Repeats a call that may be done twice while the API server is away, overloaded or not ready, as long as that lasts.
 * @throws ApiError at once for any other refusal, and the last one when `signal` ends the repeating.
 */
export async function untilAnswered<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const backoff = new Backoff(100, 3_000);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const passes = error instanceof ApiError && passing.has(error.reason);
      if (!passes || !(await waited(backoff.next(), signal))) throw error;
    }
  }
}
