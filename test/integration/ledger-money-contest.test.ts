import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grantByAdmin } from '../../src/ledger/grants.ts';
import { bookPayment, bookRefundedPayment } from '../../src/ledger/payments.ts';
import { forgetPerson, readBalance, registerPerson } from '../../src/ledger/people.ts';
import { answerPaymentRefund, beginPaymentRefund, takePaymentRefunds } from '../../src/ledger/refunds.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { persist } from '../../src/postgres/persist.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { byHand, TestLedger, type TestPerson } from '../support/ledger.ts';
import { identityOf } from '../support/money-scene.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
  await ledger.offer('ten', 10, 100);
  await ledger.admin.query(`select ledger.set_setting('open_order_limit', '1000')`);
  await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '10000')`);
});
afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

const times = <T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)));
/** All of them, twenty at a time: more would only wait for a connection. */
async function inWaves<T, R>(all: readonly T[], call: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < all.length; from += 20) {
    done.push(...(await Promise.all(all.slice(from, from + 20).map(call))));
  }
  return done;
}
const balanceOf = ({ userId }: TestPerson) => readBalance(ledger.bot, userId);

describe('at the same moment', () => {
  it('one payment told by sixteen connections is booked once, and so is its refund', async () => {
    const person = await ledger.person(3);
    const said = ledger.paymentOf(person, await ledger.invoice(person, 'ten'));
    const booked = await times(16, () => bookPayment(ledger.bot, said));
    expect(booked.filter(({ outcome }) => outcome === 'booked')).toHaveLength(1);
    expect(booked.filter(({ outcome }) => outcome === 'exists')).toHaveLength(15);
    const unknown = { ...said, chargeId: randomUUID(), invoiceId: null };
    expect((await times(8, () => bookPayment(ledger.bot, unknown))).map(({ outcome }) => outcome).sort()).toEqual(
      [...Array.from({ length: 7 }, () => 'exists'), 'unmatched'].sort(),
    );
    const back = await times(16, () => bookRefundedPayment(ledger.bot, said));
    expect(back.filter(({ outcome }) => outcome === 'charged-back')).toHaveLength(1);
    expect(await balanceOf(person)).toEqual({ available: 3, held: 0, debt: 0, free: 3 });
  });

  it('two charges for one invoice top up once', async () => {
    const person = await ledger.person(3);
    const invoice = await ledger.invoice(person, 'ten');
    const booked = await times(6, () => bookPayment(ledger.bot, ledger.paymentOf(person, invoice)));
    expect(booked.filter(({ outcome }) => outcome === 'booked')).toHaveLength(1);
    expect(booked.filter(({ because }) => because === 'paid')).toHaveLength(5);
    expect(await balanceOf(person)).toMatchObject({ available: 13 });
  });

  it('five hundred payments, each refunded twice, come to nothing', async () => {
    const people = await times(10, () => ledger.person(3));
    const paid = await inWaves(
      [...Array(50)].flatMap(() => people),
      (person) => ledger.paid(person, 'ten'),
    );
    const twice = paid.flatMap((said) => [said, said]);
    const refunds = await inWaves(twice, ({ chargeId }) => beginPaymentRefund(ledger.admin, chargeId, byHand()));
    expect(refunds.filter(({ outcome }) => outcome === 'intent')).toHaveLength(500);
    expect(refunds.filter(({ outcome }) => outcome === 'exists')).toHaveLength(500);
    const taken = (await times(8, () => takePaymentRefunds(ledger.bot, randomUUID(), 100))).flat();
    expect(new Set(taken.map(({ refundId }) => refundId)).size).toBe(taken.length);
    expect(taken).toHaveLength(500);
    const answers = taken.flatMap((refund) => [refund, refund]);
    await inWaves(answers, ({ refundId }) => answerPaymentRefund(ledger.bot, refundId, { kind: 'done' }));
    for (const person of people) {
      expect(await balanceOf(person)).toEqual({ available: 3, held: 0, debt: 0, free: 3 });
    }
  });

  it('a refund and an order never spend the same credits', async () => {
    const won = { refund: 0, orders: 0 };
    for (let round = 0; round < 12; round += 1) {
      const person = await ledger.person(3);
      const said = await ledger.paid(person, 'ten');
      // Thirteen credits: five for one order, and then the payment cannot go back whole any more.
      const [refund, placed] = await Promise.all([
        beginPaymentRefund(ledger.admin, said.chargeId, byHand()),
        ledger.place(ledger.placement(person, 5)),
        ledger.place(ledger.placement(person, 1)),
      ]);
      const { available, held, free } = await balanceOf(person);
      expect(available + held).toBe(refund.outcome === 'intent' ? 3 : 13);
      expect(free).toBeLessThanOrEqual(available);
      won[refund.outcome === 'intent' ? 'refund' : 'orders'] += 1;
      expect(['placed', 'refused']).toContain(placed.outcome);
    }
    expect(won.refund + won.orders).toBe(12);
  });

  it('a chargeback and orders come to debt or to a refusal, never to credits out of nothing', async () => {
    for (let round = 0; round < 12; round += 1) {
      const person = await ledger.person(3);
      const said = await ledger.paid(person, 'ten');
      await Promise.all([
        bookRefundedPayment(ledger.bot, said),
        ...[5, 5, 1].map((count) => ledger.place(ledger.placement(person, count))),
      ]);
      const { available, held, debt } = await balanceOf(person);
      expect(available + held - debt).toBe(3);
      expect(available === 0 || debt === 0).toBe(true);
    }
  });

  it('releases, a grant and a top-up repay what a chargeback leaves, whichever comes first', async () => {
    for (let round = 0; round < 10; round += 1) {
      const person = await ledger.person(3);
      const said = await ledger.paid(person, 'ten');
      const orders = await times(4, () => ledger.claimed(person));
      const invoice = await ledger.invoice(person, 'ten');
      await Promise.all([
        bookRefundedPayment(ledger.bot, said),
        grantByAdmin(ledger.admin, person.userId, 2, byHand()),
        bookPayment(ledger.bot, ledger.paymentOf(person, invoice)),
        ...orders.map((order) => closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted')),
      ]);
      expect(await balanceOf(person)).toMatchObject({ available: 15, held: 0, debt: 0 });
    }
  });

  it('Telegram’s word of a refund, its answer to ours and a late refusal end it once', async () => {
    for (let round = 0; round < 8; round += 1) {
      const person = await ledger.person(3);
      const said = await ledger.paid(person, 'ten');
      const { refundId } = await beginPaymentRefund(ledger.admin, said.chargeId, byHand());
      await Promise.all([
        bookRefundedPayment(ledger.bot, said),
        answerPaymentRefund(ledger.bot, refundId ?? 0, { kind: 'refused', words: 'late' }),
        answerPaymentRefund(ledger.bot, refundId ?? 0, { kind: 'later', seconds: 1, words: 'flood' }),
        bookRefundedPayment(ledger.bot, said),
      ]);
      // Refused first: then the word of it is a chargeback. Either way the credits are gone once.
      expect(await balanceOf(person)).toEqual({ available: 3, held: 0, debt: 0, free: 3 });
    }
  });

  it('a person is forgotten or orders, and credits that come meanwhile are not lost without their knowing', async () => {
    for (let round = 0; round < 10; round += 1) {
      const person = await ledger.person(3);
      const [forgotten, placed] = await Promise.all([
        forgetPerson(ledger.bot, person.userId, identityOf(person.chatId), 3),
        ledger.place(ledger.placement(person)),
        grantByAdmin(ledger.admin, person.userId, 1, byHand()),
      ]);
      if (forgotten.outcome === 'forgotten') {
        expect(placed).toMatchObject({ outcome: 'refused', reason: 'NoConsent' });
      } else {
        expect(['open-orders', 'changed']).toContain(forgotten.outcome);
      }
      const back = await times(3, () => registerPerson(ledger.bot, person.chatId, 'en', identityOf(person.chatId)));
      expect(new Set(back.map(({ userId }) => userId))).toEqual(new Set([person.userId]));
    }
  });
});

describe('in one transaction', () => {
  it('a grant and a release both repay', async () => {
    const person = await ledger.person(0);
    const said = await ledger.paid(person, 'ten');
    const orders = await times(8, () => ledger.claimed(person));
    await bookRefundedPayment(ledger.bot, said);
    expect(await balanceOf(person)).toMatchObject({ available: 0, held: 8, debt: 5 });
    const [first] = orders;
    if (first === undefined) throw new Error('nothing ordered');
    await inTransaction(ledger.admin, async (database) => {
      await closeOrder(database, first.orderId, null, 'Forfeit');
      await grantByAdmin(database, person.userId, 2, byHand());
    });
    expect(await balanceOf(person)).toMatchObject({ available: 0, held: 7, debt: 2 });
  });

  it('a payment stays with the update that told of it: neither without the other', async () => {
    const person = await ledger.person(3);
    const said = ledger.paymentOf(person, await ledger.invoice(person, 'ten'));
    const store = (updateId: number, fail: boolean) =>
      inTransaction(ledger.bot, async (database) => {
        await database.query(
          'insert into bot.inbox (update_id, chat_id) values ($1, $2) on conflict (update_id) do nothing',
          [updateId, person.chatId],
        );
        await bookPayment(database, said);
        if (fail) throw new Error('killed');
      });
    await expect(store(1, true)).rejects.toThrow('killed');
    expect(await balanceOf(person)).toMatchObject({ available: 3 });
    await Promise.all([store(1, false), store(1, false), store(2, false)]);
    expect(await balanceOf(person)).toMatchObject({ available: 13 });
  });
});

describe('a killed connection', () => {
  it('leaves a payment booked or not, and telling it again finds out which', async () => {
    // Its own, because connections of the pool stay broken until they are used.
    const own = await TestLedger.open();
    await own.offer('ten', 10, 100);
    const killBot =
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-bot' and datname = current_database()";
    for (let round = 0; round < 12; round += 1) {
      const person = await persist(() => own.person(3));
      const said = own.paymentOf(person, await persist(() => own.invoice(person, 'ten')));
      await Promise.allSettled([bookPayment(own.bot, said), own.superuser.query(killBot)]);
      expect(['booked', 'exists']).toContain((await persist(() => bookPayment(own.bot, said))).outcome);
      expect(await persist(() => readBalance(own.bot, person.userId))).toMatchObject({ available: 13 });
    }
    expect(await own.violations()).toEqual([]);
  });
});
