import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { beginEdit, leaseDelivery } from '../../src/delivery/delivery.ts';
import { beginSubmit, succeedAttempt, takeAbandoned } from '../../src/generation/attempt.ts';
import { cancelOrder, closeOrder } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { TestLedger, videoOf } from '../support/ledger.ts';
import { waitFor } from '../support/wait.ts';

const due = 'the end of the order is due';

/** An hour and a half: longer than queue, generation or delivery may take, while leases are renewed. */
const late = 5_400;

async function withLease(ledger: TestLedger, table: 'attempts' | 'deliveries'): Promise<void> {
  await ledger.rows(`update ledger.${table} set lease_until = clock_timestamp() + interval '1 minute' returning 1`);
}

describe('after the deadline, whoever holds the lease', () => {
  it('begins no paid task', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const lease = await ledger.leased(order);
    await ledger.pass(order, late);
    await withLease(ledger, 'attempts');
    const begun = await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID());
    expect(begun).toEqual({ done: false, because: due });
  });

  it('stores no video: its person was told that there is none', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const { lease } = await ledger.accepted(order);
    await ledger.pass(order, late);
    const done = await succeedAttempt(ledger.runner, lease.attemptId, lease.fence, videoOf(order.orderId));
    expect(done).toEqual({ done: false, because: due });
  });

  it('begins no edit', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.succeeded(order);
    const execution = await ledger.execution(order, 'delivery');
    const lease = await leaseDelivery(ledger.runner, order.orderId, order.uid, execution, randomUUID());
    if (lease.outcome !== 'leased') throw new Error(JSON.stringify(lease));
    await ledger.pass(order, 86_400);
    await withLease(ledger, 'deliveries');
    expect(await beginEdit(ledger.runner, order.orderId, lease.fence, randomUUID())).toEqual({
      done: false,
      because: due,
    });
  });

  it('admits no order that was claimed too late', async () => {
    const ledger = await TestLedger.open();
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [{ orderId, specHash } = { orderId: '', specHash: '' }] = placement.orders;
    await ledger.pass({ orderId }, late);
    await claimOrder(ledger.controller, orderId, randomUUID(), specHash);
    expect((await ledger.observe({ orderId })).admittedAt).toBeNull();
  });
});

describe('an order', () => {
  it('is closed by its own object alone, and cancelled by its own person', async () => {
    const ledger = await TestLedger.open();
    const [owner, stranger] = [await ledger.person(), await ledger.person()];
    const order = await ledger.claimed(owner);
    const closed = await closeOrder(ledger.controller, order.orderId, randomUUID(), 'Deleted');
    expect(closed.settled).toBeNull();
    const cancelled = await cancelOrder(ledger.bot, order.orderId, stranger.userId);
    expect(cancelled.outcome).toBe('unknown-order');
    expect((await ledger.observe(order)).settled).toBeNull();
  });

  it('that was closed over a task is followed to the end of that task', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.accepted(order);
    await closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted');
    await ledger.pass(order, 120);
    const followed = await takeAbandoned(ledger.controller, 'controller', 5);
    expect(followed.map(({ orderId }) => orderId)).toEqual([order.orderId]);
  });
});

describe('the slots of the provider', () => {
  it('are never given away twice by two controllers at once', async () => {
    const ledger = await TestLedger.open();
    await ledger.admin.query('select ledger.set_setting($1, $2)', ['live_attempt_limit', '1']);
    const placements = [ledger.placement(await ledger.person()), ledger.placement(await ledger.person())];
    for (const placement of placements) await ledger.place(placement);
    const [first, second] = placements.map(({ orders }) => orders[0]);
    const [one, other] = [await ledger.begun(ledger.controller), await ledger.begun(ledger.controller)];
    const claim = 'select ledger.claim($1, $2, $3)';
    await one.query(claim, [first?.orderId, randomUUID(), first?.specHash]);
    let isAnswered = false;
    const claiming = other.query(claim, [second?.orderId, randomUUID(), second?.specHash]).finally(() => {
      isAnswered = true;
    });
    // The other one has either counted the slots by now, or waits for the first to be done with them.
    await waitFor(async () => isAnswered || (await ledger.waiting()) > 0, { what: 'the other claim' });
    await one.query('commit');
    await claiming;
    await other.query('commit');
    expect(
      await ledger.rows('select count(*)::int as admitted from ledger.orders where admitted_at is not null'),
    ).toEqual([{ admitted: 1 }]);
  });
});
