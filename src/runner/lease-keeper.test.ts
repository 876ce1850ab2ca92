import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type KeptLease, keepLease, ownerName } from './lease-keeper.ts';

const times = { renewEveryMs: 5, retryAfterMs: 2, leaseMs: 40 };
const away = (): never => {
  throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
};

/** Whether it is lost within a time in which it would have been renewed a hundred times. */
async function fate({ lost }: KeptLease): Promise<'lost' | 'kept'> {
  if (lost.aborted) return 'lost';
  const patience = AbortSignal.timeout(100 * times.leaseMs);
  return once(lost, 'abort', { signal: patience }).then(
    () => 'lost',
    () => 'kept',
  );
}

describe('a kept lease', () => {
  it('is renewed until it is given up, and then never again', async () => {
    const five = Promise.withResolvers<void>();
    let renewals = 0;
    const renew = async () => {
      renewals += 1;
      if (renewals === 5) five.resolve();
      return { held: true };
    };
    {
      await using kept = keepLease(renew, times);
      await five.promise;
      expect(kept.lost.aborted).toBe(false);
    }
    const then = renewals;
    await new Promise((resolve) => setTimeout(resolve, 3 * times.renewEveryMs));
    expect(renewals).toBe(then);
  });

  it('is lost for good when somebody else took it', async () => {
    await using kept = keepLease(async () => ({ held: false }), times);
    expect(await fate(kept)).toBe('lost');
    expect(kept.ranOut).toBe(false);
  });

  it('outlives a database that is away for less than its life', async () => {
    let renewals = 0;
    const many = Promise.withResolvers<void>();
    await using kept = keepLease(
      async () => {
        renewals += 1;
        if (renewals === 12) many.resolve();
        return renewals % 3 === 0 ? { held: true } : away();
      },
      { ...times, leaseMs: 10_000 },
    );
    await many.promise;
    expect(kept.lost.aborted).toBe(false);
  });

  it('runs out when the database is away for its whole life, and may then be asked for again', async () => {
    const began = Date.now();
    await using kept = keepLease(async () => away(), times);
    expect(await fate(kept)).toBe('lost');
    expect(kept.ranOut).toBe(true);
    expect(Date.now() - began).toBeGreaterThanOrEqual(times.leaseMs);
  });

  it('is lost by any other error', async () => {
    await using kept = keepLease(() => Promise.reject(new Error('permission denied')), times);
    if (!kept.lost.aborted) await once(kept.lost, 'abort');
    expect(kept.ranOut).toBe(false);
  });
});

it('two runs never have the same name', () => {
  expect(ownerName()).not.toBe(ownerName());
});
