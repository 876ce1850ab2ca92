import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { advance } from '../../src/generation/advance.ts';
import { leaseAttempt } from '../../src/generation/attempt.ts';
import { submit } from '../../src/generation/submit.ts';
import { TestLedger } from '../support/ledger.ts';
import { around, countingProvider, workshopOf } from '../support/paid-effects.ts';

const payload = { prompt: 'a prompt', photoUrl: 'https://files.example/photo' };

async function leased() {
  const ledger = await TestLedger.open();
  const order = await ledger.claimed(await ledger.person());
  const lease = await ledger.leased(order);
  const row = async () => (await ledger.rows('select state, submit_nonce from ledger.attempts'))[0];
  return { ledger, order, lease, row };
}

describe('the paid call', () => {
  it('is made once by whoever began it', async () => {
    const { ledger, lease, row } = await leased();
    const { provider, asked } = countingProvider();
    await submit(lease, payload, workshopOf({ database: ledger.runner, provider }));
    expect(asked).toEqual(['submit']);
    expect(await row()).toMatchObject({ state: 'accepted' });
  });

  it('that the database refused to begin is not made', async () => {
    const { ledger, order, lease } = await leased();
    const { provider, asked } = countingProvider();
    await leaseAttempt(ledger.runner, order.orderId, order.uid, await takenOver(ledger, order), randomUUID());
    const advanced = await submit(lease, payload, workshopOf({ database: ledger.runner, provider }));
    expect(asked).toEqual([]);
    expect(advanced.kind).toBe('lost');
  });

  it('that took too long to begin is not made, and the attempt is ready again', async () => {
    const { ledger, lease, row } = await leased();
    const { provider, asked } = countingProvider();
    const clock = vi.spyOn(Date, 'now');
    // The process slept for six seconds between asking and hearing the answer.
    const asleep = around(ledger.runner, 'ledger.begin_submit', {
      after: () => void clock.mockReturnValue(performance.timeOrigin + performance.now() + 6_000),
    });
    try {
      await submit(lease, payload, workshopOf({ database: asleep, provider }));
    } finally {
      clock.mockRestore();
    }
    expect(asked).toEqual([]);
    expect(await row()).toMatchObject({ state: 'ready', submit_nonce: null });
  });

  it('that was told to stop while it waited for its turn is not begun', async () => {
    const { ledger, lease, row } = await leased();
    const { provider, asked } = countingProvider();
    const stop = new AbortController();
    const database = around(ledger.runner, 'ledger.take_submit_token', { after: () => stop.abort() });
    await submit(lease, payload, workshopOf({ database, provider, stopping: stop.signal }));
    expect(asked).toEqual([]);
    expect(await row()).toMatchObject({ state: 'ready' });
  });

  it('that another process began is left to its answer', async () => {
    const ledger = await TestLedger.open();
    const { lease } = await ledger.submitting(await ledger.claimed(await ledger.person()));
    const { provider, asked } = countingProvider();
    const seen = { ...lease, state: 'intent' as const };
    const advanced = await advance(seen, workshopOf({ database: ledger.runner, provider }));
    expect(asked).toEqual([]);
    expect(advanced.kind).toBe('again');
  });

  it('whose answer cannot be written at first is not lost', async () => {
    const { ledger, lease, row } = await leased();
    const { provider, asked } = countingProvider();
    let away = true;
    const database = around(ledger.runner, 'ledger.answer_submit', {
      before: () => {
        if (!away) return;
        away = false;
        throw Object.assign(new Error('the server is away'), { code: 'ECONNREFUSED' });
      },
    });
    await submit(lease, payload, workshopOf({ database, provider })).catch(() => undefined);
    expect(asked).toEqual(['submit']);
    expect(await row()).toMatchObject({ state: 'accepted' });
  });
});

describe('a paid call without an answer', () => {
  it('is unknown, and surely no refusal', async () => {
    const { ledger, lease, row } = await leased();
    const { provider, asked } = countingProvider({ kind: 'unknown', failure: 'ambiguous' });
    await submit(lease, payload, workshopOf({ database: ledger.runner, provider }));
    expect(asked).toEqual(['submit']);
    expect(await row()).toMatchObject({ state: 'unknown' });
  });
});

/** The number of a new execution that follows the one that holds the lease. */
async function takenOver(ledger: TestLedger, order: Parameters<TestLedger['execution']>[0]): Promise<number> {
  await ledger.rows("update ledger.executions set ended_at = now(), end_cause = 'Lost' where order_id = $1", [
    order.orderId,
  ]);
  return ledger.execution(order);
}
