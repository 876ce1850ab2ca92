export interface Backoff {
  /** Milliseconds to wait before the next try: each longer at most by the factor, with full jitter. */
  next(): number;
  reset(): void;
}

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor?: number;
  /** In [0, 1). */
  readonly random?: () => number;
}

/**
 * Full jitter: any time up to the bound, but at least a tenth of it. After an outage of the API server its clients then
 * come back spread out, and none comes back at once, again and again.
 */
export function createBackoff({ initialMs, maxMs, factor = 2, random = Math.random }: BackoffOptions): Backoff {
  let bound = initialMs;
  return {
    next() {
      const wait = bound * (0.1 + 0.9 * random());
      bound = Math.min(maxMs, bound * factor);
      return wait;
    },
    reset() {
      bound = initialMs;
    },
  };
}

/** Waits, or returns early when the signal aborts; never throws. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
