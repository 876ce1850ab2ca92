import { expect, test } from 'vitest';
import { store } from '../../src/bot/intake.ts';
import { takeReconciliation } from '../../src/bot/reconciliation-row.ts';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { openTill, sale } from '../support/till.ts';
import { waitFor } from '../support/wait.ts';

test('a payment is booked with its update, and told once, however often and under whatever number it comes', async () => {
  const till = await openTill();
  const stop = till.receiving();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  const chargeId = await till.paid(bill);
  await waitFor(() => till.outcomes.includes('update booked'), { what: 'the booking' });
  await till.telegram.dev('POST', 'faults', { method: 'getUpdates', fault: 'redeliver', times: 1, chat: anna.chatId });
  await waitFor(() => till.outcomes.includes('update exists'), { what: 'the update to come again' });
  await stop();
  await store([till.paymentUpdate(bill, chargeId, 900_001)], till.intake);
  // Two receivers at once, of which neither knows of the other.
  await Promise.all([1, 2, 3, 4].map((n) => store([till.paymentUpdate(bill, chargeId, 900_001 + n)], till.intake)));
  expect(till.outcomes.filter((one) => one === 'update booked')).toHaveLength(1);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await till.told(anna)).toEqual([expect.stringContaining('You bought <b>10 credits</b>')]);
  expect(await till.ledger.violations()).toEqual([]);
});

test('of two at once that hear of a payment first, one books it', async () => {
  const till = await openTill();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  for (let round = 1; round <= 5; round += 1) {
    const bill = await till.bill(anna);
    const heard = [0, 1, 2, 3].map((n) => till.paymentUpdate(bill, `charge-${round}`, 910_000 + round * 10 + n));
    const failed = await Promise.all(heard.map((update) => store([update], till.intake)));
    expect(failed.flat()).toEqual([]);
  }
  expect(till.outcomes.filter((one) => one === 'update booked')).toHaveLength(5);
  expect((await till.balance(anna)).available).toBe(before + 5 * sale.credits);
  expect(await till.told(anna)).toHaveLength(5);
});

test('a payment whose booking fails is not stored, comes again, and keeps nobody else’s update out', async () => {
  const till = await openTill();
  const [anna, boris] = [await till.person(), await till.person()];
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  const pay = till.paymentUpdate(bill, 'charge-1', 920_001);
  const said = { update_id: 920_002, message: { ...pay.message, message_id: 1, date: 1, text: 'hello' } };
  const other = {
    ...said,
    message: {
      message_id: 2,
      date: 1,
      text: 'hello',
      chat: { id: boris.chatId, type: 'private' },
      from: { id: boris.chatId },
    },
  };
  await till.ledger.superuser.query('alter table ledger.payments rename to payments_away');
  const failed = await store([pay, other], till.intake);
  expect(failed).toEqual([{ updateId: 920_001, isPayment: true, cause: expect.any(Error) }]);
  const rows = await till.ledger.rows('select update_id from bot.inbox where update_id >= 920001');
  expect(rows).toEqual([{ update_id: '920002' }]);
  await till.ledger.superuser.query('alter table ledger.payments_away rename to payments');
  // The receiver asks from the first update that failed on, so both come again.
  expect(await store([pay, other], till.intake)).toEqual([]);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await till.ledger.rows('select update_id from bot.inbox where update_id >= 920001')).toHaveLength(2);
});

test('a payment whose update cannot be stored is not booked either', async () => {
  const till = await openTill();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const update = till.paymentUpdate(await till.bill(anna), 'charge-1', 925_001);
  await till.ledger.superuser.query('alter table bot.inbox add constraint broken check (subject is null)');
  expect(await store([update], till.intake)).toHaveLength(1);
  expect((await till.balance(anna)).available).toBe(before);
  await till.ledger.superuser.query('alter table bot.inbox drop constraint broken');
  expect(await store([update], till.intake)).toEqual([]);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
});

test('the receiver does not confirm a payment that could not be booked, and takes in what comes behind it', async () => {
  const till = await openTill();
  till.receiving();
  const [anna, boris] = [await till.person(), await till.person()];
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  // Checkouts read invoices, bookings write payments.
  await till.ledger.superuser.query(
    `create function bot.broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$`,
  );
  await till.ledger.superuser.query(
    'create trigger broken before insert on ledger.payments for each row execute function bot.broken()',
  );
  await till.paid(bill);
  await waitFor(() => till.outcomes.includes('update failed'), { what: 'the failure' });
  await till.telegram.say(boris.chatId, 'behind it');
  const behind = `select from bot.inbox where chat_id = $1 and body->'message'->>'text' = 'behind it'`;
  await waitFor(async () => (await till.ledger.rows(behind, [boris.chatId])).length === 1, {
    what: 'what came behind',
  });
  // What came behind came together with the payment, which had not been confirmed.
  expect(till.outcomes.filter((one) => one === 'update failed').length).toBeGreaterThan(1);
  expect((await till.balance(anna)).available).toBe(before);
  await till.ledger.superuser.query('drop trigger broken on ledger.payments');
  await waitFor(async () => (await till.balance(anna)).available === before + sale.credits, { what: 'the credits' });
  expect(await till.ledger.rows(behind, [boris.chatId])).toHaveLength(1);
});

test('a commit whose answer got lost is no second payment and no lost one', async () => {
  const till = await openTill();
  const proxy = await startDatabaseProxy(till.database.ownerUrl);
  const through = till.intakeOn(till.poolOn(proxy.urlOf(till.database.urlFor('bot'))));
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  const update = till.paymentUpdate(bill, 'charge-1', 930_001);
  for (const lost of ['commit', 'begin', 'select ledger.book_payment'] as const) {
    const cut = proxy.loseReplyToText(lost);
    const failed = await store([update], through);
    await cut.lost;
    expect(failed.map(({ updateId }) => updateId)).toEqual([930_001]);
  }
  expect(await store([update], through)).toEqual([]);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await till.told(anna)).toHaveLength(1);
  await proxy.close();
});

test('a payment that fits no bill is stored, told and counted, never refused', async () => {
  const till = await openTill();
  const [anna, boris] = [await till.person(), await till.person()];
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  const strange = [
    till.paymentUpdate({ ...bill, invoiceId: 'sold-by-another-bot' }, 'charge-1', 940_001),
    till.paymentUpdate({ ...bill, chatId: boris.chatId }, 'charge-2', 940_002),
    till.paymentUpdate({ ...bill, stars: 1 }, 'charge-3', 940_003),
    till.paymentUpdate({ ...bill, chatId: 555_555 }, 'charge-4', 940_004),
  ];
  expect(await store(strange, till.intake)).toEqual([]);
  expect(await store([till.paymentUpdate(bill, 'charge-5', 940_005)], till.intake)).toEqual([]);
  expect(await store([till.paymentUpdate(bill, 'charge-6', 940_006)], till.intake)).toEqual([]);
  // The same charge with another amount.
  expect(await store([till.paymentUpdate({ ...bill, stars: 9 }, 'charge-5', 940_007)], till.intake)).toEqual([]);
  expect(till.outcomes.map((one) => one.replace('update ', ''))).toEqual([
    ...Array.from({ length: 4 }, () => 'unmatched'),
    ...['booked', 'unmatched', 'conflict'],
  ]);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect((await till.told(anna)).filter((one) => one.includes('fits none of your open bills'))).toHaveLength(3);
  expect(await till.told({ userId: 0, chatId: 555_555 })).toHaveLength(1);
  expect(await till.figures()).toEqual({ unmatched: 6, refundsPending: 0, oldestRefundSeconds: 0 });
  expect(await till.ledger.violations()).toEqual([]);
});

test('a bill that ran out between the checkout and the payment is paid all the same', async () => {
  const till = await openTill();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  await till.expire();
  await store([till.paymentUpdate(bill, 'charge-1', 950_001)], till.intake);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
});

test('a chargeback takes what is there and leaves a debt; no order is placed until a payment has repaid it', async () => {
  const till = await openTill();
  till.receiving();
  const anna = await till.person();
  const chargeId = await till.paid(await till.bill(anna));
  await waitFor(() => till.outcomes.includes('update booked'), { what: 'the booking' });
  const { available } = await till.balance(anna);
  // All but three credits are spent.
  await till.spend(anna, available - 3);
  await till.takeBack(anna.chatId, chargeId);
  await till.reconcile();
  expect(till.outcomes.at(-1)).toBe('reconciliation charged-back');
  expect(await till.balance(anna)).toMatchObject({ available: 0, debt: 7 });
  expect((await till.told(anna)).at(-1)).toMatch(/taken back.*10 credits went with it.*you owe 7 credits/s);
  expect(await till.ledger.place(till.ledger.placement(anna))).toMatchObject({ outcome: 'refused', reason: 'InDebt' });
  await till.paid(await till.bill(anna));
  await waitFor(async () => (await till.balance(anna)).available === 3, { what: 'what is left of the new credits' });
  expect(await till.balance(anna)).toMatchObject({ available: 3, debt: 0 });
  expect((await till.told(anna)).at(-1)).toMatch(/You bought <b>10 credits<\/b>. 7 credits of them paid what you owed/);
  expect(await till.ledger.place(till.ledger.placement(anna))).toMatchObject({ outcome: 'placed' });
  expect(await till.ledger.violations()).toEqual([]);
});

test('what lies among the updates but is no payment of ours books nothing', async () => {
  const till = await openTill();
  const anna = await till.person();
  const bill = await till.bill(anna);
  const paid = till.paymentUpdate(bill, 'charge-1', 960_001);
  const forwarded = { ...paid, message: { ...paid.message, chat: { id: -5, type: 'supergroup' }, from: undefined } };
  expect(await store([forwarded as typeof paid], till.intake)).toEqual([]);
  expect(till.outcomes).toEqual([]);
  expect(await takeReconciliation(till.ledger.bot, 'me', { isEarly: true, seconds: 5 })).toMatchObject({
    seen: 0,
    last: null,
  });
});
