import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import { isUnavailable } from '../postgres/unavailable.ts';

export interface Loop {
  /** Runs the work soon, also when it has just run. */
  nudge(): void;
  /** Ends with the signal; never throws. */
  done: Promise<void>;
}

/**
 * Repeats a piece of work every so often and whenever it is nudged. An error ends nothing: it is logged, and the next round comes.
 */
export function startLoop(
  name: string,
  everyMs: number,
  work: () => Promise<void>,
  { signal, log }: { signal: AbortSignal; log: Logger },
): Loop {
  let wake: () => void = () => undefined;
  let nudged = false;
  const rounds = async (): Promise<void> => {
    while (!signal.aborted) {
      nudged = false;
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        log[isUnavailable(error) ? 'warn' : 'error'](
          { err: error, loop: name },
          'a round failed; the next one follows',
        );
      }
      if (nudged) continue;
      const awake = new AbortController();
      wake = () => awake.abort();
      await pause(everyMs, undefined, { signal: AbortSignal.any([signal, awake.signal]) }).catch(() => undefined);
    }
  };
  return {
    nudge() {
      nudged = true;
      wake();
    },
    done: rounds(),
  };
}
