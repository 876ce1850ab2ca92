import type { Logger } from '../log/logger.ts';

/** A bell that wakes a loop out of its pause. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `milliseconds`, or when aborted. A ring between two waits is not lost. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  const waiting = new Set<() => void>();
  return {
    ring() {
      rung = waiting.size === 0;
      for (const wake of waiting) wake();
    },
    async wait(milliseconds, signal) {
      if (rung || signal.aborted) {
        rung = false;
        return;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, milliseconds);
        signal.addEventListener('abort', wake, { once: true });
        waiting.add(wake);
      });
    },
  };
}

export interface LoopOptions {
  name: string;
  signal: AbortSignal;
  bell: Bell;
  /** The longest pause between two looks. */
  everyMs: number;
  log: Logger;
  /** Told at every turn: for liveness. */
  onTurn?: () => void;
}

/**
 * Runs `turn` until aborted: again at once while it answers true, else at the next ring or after `everyMs`.
 * A turn that throws is logged and taken up again after a second: the database or Telegram may be away.
 */
export async function runLoop(turn: () => Promise<boolean>, options: LoopOptions): Promise<void> {
  const { name, signal, bell, everyMs, log, onTurn } = options;
  while (!signal.aborted) {
    onTurn?.();
    try {
      if (!(await turn())) await bell.wait(everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, loop: name }, 'a turn failed and is taken up again');
      await createBell().wait(1_000, signal);
    }
  }
}
