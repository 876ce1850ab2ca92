import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait and what for. */
export type Wait = {
  /** Milliseconds until it is given up; 30 s by default. */
  readonly within?: number;
  /** What is waited for, as it stands in the error: `the video in the chat`. */
  readonly what: string;
  /** Milliseconds between two looks. */
  readonly every?: number;
};

/** What a condition that is not there yet answers. */
export type NotYet = undefined | null | false;

/**
 * Looks again and again until the condition answers with something, and returns that.
 *
 * @param condition answers undefined, null or false while it is not there; one that throws counts as not there, and its
 *   error is the cause of ours when the time is over
 * @throws {Error} naming what was waited for, after `within`
 */
export async function waitFor<T>(
  condition: () => T | NotYet | Promise<T | NotYet>,
  { within = 30_000, what, every = 50 }: Wait,
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    const found = await look(condition);
    if ('value' in found) return found.value;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${within / 1000} s in vain for ${what}.`, { cause: found.error });
    }
    await sleep(every);
  }
}

async function look<T>(condition: () => T | NotYet | Promise<T | NotYet>): Promise<{ value: T } | { error?: unknown }> {
  try {
    const value = await condition();
    return value === undefined || value === null || value === false ? {} : { value };
  } catch (error) {
    return { error };
  }
}
