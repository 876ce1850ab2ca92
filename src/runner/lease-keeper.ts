import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable } from '../postgres/unavailable.ts';

/** How long a lease lives, and when it is renewed. */
const times = { renewEveryMs: 15_000, retryAfterMs: 2_000, leaseMs: 60_000 };

/** Who holds a lease: one run of one runner. Host and process number alone come back after a restart, the rest never. */
export function ownerName(): string {
  return `${hostname()}/${process.pid}/${randomBytes(6).toString('hex')}`;
}

export interface KeptLease {
  /** Aborted once the lease is not ours any more, or could not be renewed for its whole life. */
  lost: AbortSignal;
  /** It was lost because the database was away for its whole life: nobody else need have taken it, and it may be asked for again. */
  readonly ranOut: boolean;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Renews a lease of 60 s in the background every 15 s while work goes on. A database that is away is waited for, but never longer
 * than the lease lives: after that somebody else may hold it, and every effect of ours must stop.
 */
export function keepLease(renew: () => Promise<{ held: boolean }>, lease = times): KeptLease {
  const lost = new AbortController();
  const stop = new AbortController();
  const kept = keep(renew, lost, stop.signal, lease);
  return {
    lost: lost.signal,
    get ranOut() {
      return lost.signal.reason instanceof LeaseRanOutError;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await kept;
    },
  };
}

class LeaseRanOutError extends Error {
  readonly reason = 'LeaseRanOut';
}

async function keep(
  renew: () => Promise<{ held: boolean }>,
  lost: AbortController,
  stop: AbortSignal,
  lease: typeof times,
): Promise<void> {
  const { renewEveryMs, retryAfterMs, leaseMs } = lease;
  let renewedAt = Date.now();
  let waitMs = renewEveryMs;
  for (;;) {
    const stopped = await pause(waitMs, false, { signal: stop }).catch(() => true);
    if (stopped) return;
    const asked = Date.now();
    try {
      const { held } = await renew();
      if (!held) return lost.abort(new Error('another execution took the lease'));
      renewedAt = asked;
      waitMs = renewEveryMs;
    } catch (error) {
      if (!isUnavailable(error)) return lost.abort(error);
      if (Date.now() - renewedAt > leaseMs)
        return lost.abort(new LeaseRanOutError('the lease could not be renewed in time'));
      waitMs = retryAfterMs;
    }
  }
}
