import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { deliver } from '../../src/delivery/deliver.ts';
import { leaseDelivery } from '../../src/delivery/delivery.ts';
import { TestLedger } from '../support/ledger.ts';
import { around, countingChat, fullStorage } from '../support/paid-effects.ts';

async function leased() {
  const ledger = await TestLedger.open();
  const order = await ledger.claimed(await ledger.person());
  await ledger.succeeded(order);
  const execution = await ledger.execution(order, 'delivery');
  const lease = await leaseDelivery(ledger.runner, order.orderId, order.uid, execution, randomUUID());
  if (lease.outcome !== 'leased') throw new Error(JSON.stringify(lease));
  const edits = () =>
    ledger.rows("select coalesce(answer, 'open') as answer from ledger.delivery_edits order by begun_at");
  const quiet = new AbortController().signal;
  return { ledger, order, lease, edits, desk: { storage: fullStorage(), stopping: quiet, lost: quiet } };
}

describe('the edit that shows the video', () => {
  it('is begun in the books before it is made, and captures', async () => {
    const { ledger, order, lease, edits, desk } = await leased();
    const { chat, asked } = countingChat();
    const delivered = await deliver(lease, { ...desk, database: ledger.runner, chat });
    expect(delivered).toEqual({ kind: 'over', verdict: 'shown' });
    expect(asked).toEqual(['showVideo']);
    expect(await edits()).toEqual([{ answer: 'shown' }]);
    expect((await ledger.observe(order)).settled?.outcome).toBe('captured');
  });

  it('that took too long to begin is not made, and stays no open question', async () => {
    const { ledger, lease, edits, desk } = await leased();
    const { chat, asked } = countingChat();
    const clock = vi.spyOn(Date, 'now');
    const database = around(ledger.runner, 'ledger.begin_edit', {
      after: () => void clock.mockReturnValue(performance.timeOrigin + performance.now() + 6_000),
    });
    try {
      await deliver(lease, { ...desk, database, chat });
    } finally {
      clock.mockRestore();
    }
    expect(asked).toEqual([]);
    expect(await edits()).toEqual([{ answer: 'refused' }]);
  });

  it('that was told to stop while the video was read is not begun', async () => {
    const { ledger, lease, edits, desk } = await leased();
    const { chat, asked } = countingChat();
    const stop = new AbortController();
    const storage = fullStorage(() => stop.abort());
    await deliver(lease, { ...desk, storage, stopping: stop.signal, database: ledger.runner, chat });
    expect(asked).toEqual([]);
    expect(await edits()).toEqual([]);
  });

  it('that lost its lease meanwhile is not made, and its begin leaves nothing open', async () => {
    const { ledger, order, lease, desk } = await leased();
    const { chat, asked } = countingChat();
    await ledger.rows("update ledger.executions set ended_at = now(), end_cause = 'Lost' where stage = 'delivery'");
    const next = await ledger.execution(order, 'delivery');
    await leaseDelivery(ledger.runner, order.orderId, order.uid, next, randomUUID());
    expect((await deliver(lease, { ...desk, database: ledger.runner, chat })).kind).toBe('lost');
    expect(asked).toEqual([]);
    expect(await ledger.rows("select 1 from ledger.delivery_edits where kind = 'edit'")).toEqual([]);
  });

  it('without an answer leaves the credits where they are', async () => {
    const { ledger, order, lease, edits, desk } = await leased();
    const { chat } = countingChat({ kind: 'unknown', failureClass: 'delivery-network' });
    await deliver(lease, { ...desk, database: ledger.runner, chat });
    expect(await edits()).toEqual([{ answer: 'unknown' }]);
    expect((await ledger.observe(order)).settled).toBeNull();
  });

  it('whose success cannot be written at first is not lost', async () => {
    const { ledger, order, lease, desk } = await leased();
    const { chat, asked } = countingChat();
    let away = true;
    const database = around(ledger.runner, 'ledger.shown', {
      before: () => {
        if (!away) return;
        away = false;
        throw Object.assign(new Error('the server is away'), { code: 'ECONNREFUSED' });
      },
    });
    await deliver(lease, { ...desk, database, chat }).catch(() => undefined);
    expect(asked).toEqual(['showVideo']);
    expect((await ledger.observe(order)).settled?.outcome).toBe('captured');
  });

  it('is of the message that the first of two senders sent, not of one’s own', async () => {
    const { ledger, order, lease, desk } = await leased();
    const { chat, asked, edited } = countingChat({ kind: 'done', messageId: 8, fileId: null });
    await ledger.rows('update ledger.orders set message_id = 9 where order_id = $1', [order.orderId]);
    await deliver({ ...lease, messageId: null }, { ...desk, database: ledger.runner, chat });
    expect(asked).toEqual(['sendPlaceholder', 'showVideo']);
    expect(edited).toEqual([9]);
  });

  it('whose begin was lost with the lease is answered as not sent', async () => {
    const { ledger, lease, edits, desk } = await leased();
    const { chat, asked } = countingChat();
    const lost = new AbortController();
    const database = around(ledger.runner, 'ledger.begin_edit', {
      after: () => {
        lost.abort();
        throw Object.assign(new Error('the reply is lost'), { code: 'ECONNRESET' });
      },
    });
    await deliver(lease, { ...desk, lost: lost.signal, database, chat });
    expect(asked).toEqual([]);
    expect(await edits()).toEqual([{ answer: 'refused' }]);
  });
});
