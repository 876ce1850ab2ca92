import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { adoptMessage, leaseDelivery, recordShown } from '../../src/delivery/delivery.ts';
import { readFigures } from '../../src/ledger/audit.ts';
import { readBalance, readOpenOrders, readTerms } from '../../src/ledger/people.ts';
import { cancelOrder, closeOrder, readDueOrders } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { endNotice, takeNotices } from '../../src/order/notices.ts';
import { readOwnOrder } from '../../src/order/placement.ts';
import { takeOrdersToRelay } from '../../src/order/relay-queue.ts';
import { TestLedger } from '../support/ledger.ts';

async function tell(ledger: TestLedger): Promise<string[]> {
  const told: string[] = [];
  for (;;) {
    const notices = await takeNotices(ledger.bot, 'test', 10);
    if (notices.length === 0) return told;
    for (const { noticeId, fact } of notices) {
      told.push(fact.kind === 'progress' ? fact.stage : fact.kind);
      await endNotice(ledger.bot, noticeId, 'sent');
    }
  }
}

describe('an order in the ledger', () => {
  it('goes from the tap to the shown video, and its credits with it', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person(3);
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 3, held: 0 });
    expect(await readTerms(ledger.bot, 'model/1')).toMatchObject({
      unitPrice: 1,
      usualSeconds: 240,
      acceptingOrders: true,
    });

    const placement = ledger.placement(person);
    const placed = await ledger.place(placement);
    const [sold] = placement.orders;
    if (sold === undefined) throw new Error('nothing sold');
    expect(placed).toEqual({ outcome: 'placed', orders: [sold.orderId], available: 2 });
    expect(await tell(ledger)).toEqual(['accepted']);
    expect(await takeOrdersToRelay(ledger.bot, 10)).toEqual([
      { orderId: sold.orderId, videoJob: sold.videoJob, specHash: sold.specHash, tries: 1, overdue: false },
    ]);
    expect(await takeOrdersToRelay(ledger.bot, 10)).toEqual([]);

    const uid = randomUUID();
    const order = { orderId: sold.orderId, uid, userId: person.userId };
    expect(await claimOrder(ledger.controller, sold.orderId, uid, sold.specHash)).toEqual({
      answer: 'yours',
      settled: null,
    });
    expect(await ledger.observe(order)).toMatchObject({
      claimedBy: uid,
      attempts: { count: 1, current: { state: 'ready', n: 1 } },
      settled: null,
      delivery: null,
    });
    expect(await readOpenOrders(ledger.bot, person.userId)).toMatchObject([
      { orderId: sold.orderId, cancellable: true },
    ]);
    expect(await tell(ledger)).toEqual(['preparing']);

    await ledger.succeeded(order);
    expect(await cancelOrder(ledger.bot, sold.orderId, person.userId)).toEqual({ outcome: 'too-late', settled: null });
    const { nonce } = await ledger.editing(order);
    expect(await recordShown(ledger.runner, sold.orderId, nonce, { messageId: 7, fileId: 'file' })).toEqual({
      captured: true,
      because: null,
    });
    expect(await ledger.observe(order)).toMatchObject({
      settled: { outcome: 'captured', reason: 'VideoDelivered' },
      delivery: { state: 'shown', editsBegun: 1, editsUnanswered: 0 },
      video: { bytes: 1000, width: 720 },
    });
    expect(await closeOrder(ledger.controller, sold.orderId, uid, 'Deleted')).toMatchObject({
      settled: { outcome: 'captured', reason: 'VideoDelivered' },
    });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 2, held: 0 });
    expect(await tell(ledger)).toEqual(['delivered']);
    expect(await readFigures(ledger.controller)).toMatchObject({
      credits: { granted: 3, captured: 1, held: 0, available: 2 },
      settled: [{ outcome: 'captured', reason: 'VideoDelivered', count: 1 }],
    });
    expect(await readOwnOrder(ledger.bot, sold.orderId, person.userId)).toMatchObject({ productText: 'a cup' });
    const due = await readDueOrders(ledger.controller, new Date(Date.now() - 60_000));
    expect(due.orders).toEqual([sold.orderId]);
    expect(await ledger.violations()).toEqual([]);
  });

  it('gives the credits back when it is cancelled before anything is paid', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person(3);
    const order = await ledger.claimed(person);
    expect(await cancelOrder(ledger.bot, order.orderId, person.userId)).toMatchObject({
      outcome: 'cancelled',
      settled: { outcome: 'released', reason: 'Cancelled' },
    });
    expect(await cancelOrder(ledger.bot, order.orderId, person.userId)).toMatchObject({ outcome: 'settled' });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 3, held: 0 });
    expect(await tell(ledger)).toEqual(['failed']);
    expect(await leaseDelivery(ledger.runner, order.orderId, order.uid, 1, 'x')).toMatchObject({ outcome: 'over' });
    expect(await adoptMessage(ledger.bot, order.orderId, null, 7, 8)).toEqual({ messageId: 8 });
    expect(await ledger.violations()).toEqual([]);
  });
});
