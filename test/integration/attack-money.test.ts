import { describe, expect, it } from 'vitest';
import { noticeScreen } from '../../src/bot/notice-screen.ts';
import { resolvePayment } from '../../src/ledger/oversight.ts';
import { bookPayment, bookRefundedPayment } from '../../src/ledger/payments.ts';
import { forgetPerson, readBalance } from '../../src/ledger/people.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { endNotice, type Notice, takeNotices } from '../../src/order/notices.ts';
import { byHand, TestLedger } from '../support/ledger.ts';
import { identityOf } from '../support/money-scene.ts';
import { waitFor } from '../support/wait.ts';

async function shop(): Promise<TestLedger> {
  const ledger = await TestLedger.open();
  await ledger.offer('ten', 10, 100);
  return ledger;
}

/** Until so many of our connections wait for a lock. */
const waiting = (ledger: TestLedger, number: number) =>
  waitFor(async () => (await ledger.waiting()) === number, { what: `${number} connections to wait` });

describe('whoever has themselves forgotten while Telegram tells of their money', () => {
  it('leaves no payment behind that still names them', async () => {
    const ledger = await shop();
    const person = await ledger.person(3);
    const said = ledger.paymentOf(person, await ledger.invoice(person, 'ten'));
    const forgetting = await ledger.begun();
    const forgot = await forgetPerson(forgetting, person.userId, identityOf(person.chatId), 3);
    expect(forgot).toMatchObject({ outcome: 'forgotten' });
    const booking = bookPayment(ledger.bot, said);
    await waiting(ledger, 1);
    await forgetting.query('commit');
    expect(await booking).toMatchObject({ outcome: 'unmatched', because: 'other-person' });
    const named = await ledger.rows(
      'select 1 from ledger.payments where user_id is not null and telegram_id is not null',
    );
    expect(named).toEqual([]);
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0 });
    expect(await ledger.violations()).toEqual([]);
  });

  it('waits for what is booked and does not meet it head-on', async () => {
    const ledger = await shop();
    const person = await ledger.person(3);
    const said = await ledger.paid(person, 'ten');
    // As a chargeback does: first the payment, then the credits.
    const other = await ledger.begun(ledger.superuser);
    await other.query('select from ledger.payments where charge_id = $1 for no key update', [said.chargeId]);
    const forgetting = forgetPerson(ledger.bot, person.userId, identityOf(person.chatId), 13);
    await waiting(ledger, 1);
    await other.query('select ledger.book_refunded_payment($1)', [JSON.stringify(said)]);
    await other.query('commit');
    expect(await forgetting).toMatchObject({ outcome: 'changed', forfeits: 3 });
    expect(await ledger.violations()).toEqual([]);
  });
});

it('credits that come back and go into a debt are not told as if they were there to spend', async () => {
  const ledger = await shop();
  await ledger.admin.query("select ledger.set_setting('open_order_limit', '20')");
  const person = await ledger.person(3);
  const said = await ledger.paid(person, 'ten');
  for (let n = 0; n < 12; n += 1) await ledger.claimed(person);
  const order = await ledger.claimed(person);
  await bookRefundedPayment(ledger.bot, said);
  expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0, debt: 10 });
  await closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted');
  expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0, debt: 9 });
  let told: Notice | undefined;
  // Of a chat one at a time, in their order.
  while (told?.fact.kind !== 'failed') {
    [told] = await takeNotices(ledger.bot, 'bot', 1);
    if (told === undefined) throw new Error('the failure is not told');
    await endNotice(ledger.bot, told.noticeId, 'sent');
  }
  expect(told).toMatchObject({ available: 0, debt: 9, fact: { returned: 1 } });
  expect(noticeScreen(told).html).toContain('You owe 9 credits');
});

it('an alarm about money is not said to be over under a reference that ended an earlier one', async () => {
  const ledger = await shop();
  const person = await ledger.person(3);
  const said = await ledger.paid(person, 'ten');
  await bookPayment(ledger.bot, { ...said, stars: 5 });
  const act = byHand();
  expect(await resolvePayment(ledger.admin, said.chargeId, act)).toMatchObject({ outcome: 'resolved' });
  await bookPayment(ledger.bot, { ...said, stars: 6 });
  await expect(resolvePayment(ledger.admin, said.chargeId, act)).rejects.toMatchObject({
    constraint: 'resolution_has_its_own_reference',
  });
  expect(await ledger.rows('select 1 from ledger.unresolved_payments')).toHaveLength(1);
  expect(await resolvePayment(ledger.admin, said.chargeId, byHand())).toMatchObject({ outcome: 'resolved' });
  expect(await ledger.rows('select 1 from ledger.unresolved_payments')).toEqual([]);
});
