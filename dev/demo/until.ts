import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks again and again until there is something. A look that fails counts as nothing: what is being started again answers a moment
 * later. @throws Error with `what`, and the last failure as its cause.
 */
export async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let cause: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${seconds} s`, { cause });
    await pause(100);
  }
}
