import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { grantByAdmin } from '../../src/ledger/grants.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { cancelOrder, readDueOrders } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { endNotice, type Notice, takeNotices } from '../../src/order/notices.ts';
import type { Database } from '../../src/postgres/call.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { byHand, TestLedger, type TestOrder, type TestPerson } from '../support/ledger.ts';
import { waitFor } from '../support/wait.ts';

const waiting = `select 1 as one from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%cancel_order%'`;

/** A claimed group of orders of one tap. */
async function group(ledger: TestLedger, person: TestPerson, count: number): Promise<TestOrder[]> {
  const placement = ledger.placement(person, count);
  await ledger.place(placement);
  return Promise.all(
    placement.orders.map(async ({ orderId, specHash }) => {
      const uid = randomUUID();
      await claimOrder(ledger.controller, orderId, uid, specHash);
      return { orderId, uid, userId: person.userId };
    }),
  );
}

/** Everything that is due to be told, in its order, but for progress. */
async function told(ledger: TestLedger): Promise<Notice[]> {
  const all: Notice[] = [];
  for (;;) {
    const notices = await takeNotices(ledger.bot, 'test', 20);
    if (notices.length === 0) return all.filter(({ fact }) => fact.kind !== 'progress');
    for (const notice of notices) {
      all.push(notice);
      await endNotice(ledger.bot, notice.noticeId, 'sent');
    }
  }
}

function at(orders: readonly TestOrder[], index: number): TestOrder {
  const order = orders[index];
  if (order === undefined) throw new Error('no such order');
  return order;
}

describe('a group of orders', () => {
  it('holds credits for all of them or for none, and a refused nonce stays refused when credits come', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person(4);
    const five = ledger.placement(person, 5);
    expect(await ledger.place(five)).toMatchObject({ outcome: 'refused', reason: 'InsufficientCredits', needed: 5 });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 4, held: 0 });
    expect((await ledger.superuser.query('select * from ledger.orders')).rows).toEqual([]);

    await grantByAdmin(ledger.admin, person.userId, 10, byHand());
    expect(await ledger.place(five)).toMatchObject({ outcome: 'refused', reason: 'InsufficientCredits' });
    expect(await ledger.place({ ...five, nonce: 'another' })).toMatchObject({ outcome: 'placed' });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 9, held: 5 });
    expect(await ledger.violations()).toEqual([]);
  });

  it('counts whole against the limit of open orders', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    await ledger.place(ledger.placement(person, 3));
    expect(await ledger.place(ledger.placement(person, 3))).toMatchObject({ reason: 'TooManyOpenOrders' });
    expect(await ledger.place(ledger.placement(person, 1))).toMatchObject({ outcome: 'placed' });
  });

  it('of another size than 1, 3 or 5, or at a price of the caller’s own, is refused by the tables', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    for (const count of [0, 2, 4, 6]) {
      await expect(ledger.place(ledger.placement(person, count)), `${count}`).rejects.toMatchObject({
        constraint: 'order_group_count',
      });
    }
    await ledger.rows('update ledger.settings set unit_price = 2');
    expect(await ledger.place(ledger.placement(person, 3))).toMatchObject({ reason: 'PriceChanged' });
    // The right price on the group and another one in its VideoJobs.
    await expect(ledger.place({ ...ledger.placement(person, 3), unitPrice: 2 })).rejects.toMatchObject({
      constraint: 'order_agrees_with_its_video_job',
    });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 100, held: 0 });
  });

  it('is another person’s for nobody: their nonce is a conflict', async () => {
    const ledger = await TestLedger.open();
    const [anna, boris] = [await ledger.person(), await ledger.person()];
    const hers = ledger.placement(anna, 3);
    await ledger.place(hers);
    expect(await ledger.place({ ...ledger.placement(boris, 3), nonce: hers.nonce })).toEqual({ outcome: 'conflict' });
    expect(await readBalance(ledger.bot, boris.userId)).toMatchObject({ available: 100, held: 0 });
  });

  it('settles each order on its own and ends with one summary', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person(10);
    const orders = await group(ledger, person, 3);
    await ledger.shown(at(orders, 1));
    await cancelOrder(ledger.bot, at(orders, 0).orderId, person.userId);
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 8, held: 1 });
    expect((await told(ledger)).map(({ fact, position }) => [fact.kind, position])).toEqual([
      ['delivered', 2],
      ['failed', 1],
    ]);
    await ledger.shown(at(orders, 2));
    expect(await told(ledger)).toMatchObject([
      {
        count: 3,
        available: 8,
        fact: {
          kind: 'summary',
          shown: 2,
          kept: 0,
          charged: 2,
          returned: 1,
          failures: [{ reason: 'Cancelled', failureClass: null }],
        },
      },
    ]);
    expect(await ledger.violations()).toEqual([]);
  });

  it('has its summary though its last two orders are settled at the same moment', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const orders = await group(ledger, person, 3);
    const cancel = (transaction: Database, index: number) =>
      cancelOrder(transaction, at(orders, index).orderId, person.userId);
    await cancel(ledger.bot, 0);
    let third: Promise<unknown> = Promise.resolve();
    await inTransaction(ledger.bot, async (second) => {
      await cancel(second, 1);
      third = inTransaction(ledger.bot, (transaction) => cancel(transaction, 2));
      await waitFor(async () => (await ledger.rows(waiting)).length > 0, { what: 'the third to wait for the second' });
    });
    await third;
    const kinds = (await told(ledger)).map(({ fact }) => fact.kind);
    expect(kinds).toEqual(['failed', 'failed', 'failed', 'summary']);
  });

  it('of one has no summary', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const [order] = await group(ledger, person, 1);
    if (order === undefined) throw new Error('no order');
    await cancelOrder(ledger.bot, order.orderId, person.userId);
    expect((await told(ledger)).map(({ fact }) => fact.kind)).toEqual(['failed']);
  });

  it('that takes longer than usual says so once', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const orders = await group(ledger, person, 3);
    for (const order of orders) await ledger.pass(order, 600);
    await readDueOrders(ledger.controller, new Date());
    expect((await told(ledger)).map(({ fact }) => fact.kind)).toEqual(['slow']);
  });
});
