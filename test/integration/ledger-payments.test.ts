import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFigures } from '../../src/ledger/audit.ts';
import { grantByAdmin, setPackage } from '../../src/ledger/grants.ts';
import { banPerson, readPerson, resolvePayment } from '../../src/ledger/oversight.ts';
import {
  bookPayment,
  bookRefundedPayment,
  checkInvoice,
  createInvoice,
  readOfferedPackages,
  type SaidPayment,
} from '../../src/ledger/payments.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { answerPaymentRefund, beginPaymentRefund, takePaymentRefunds } from '../../src/ledger/refunds.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { byHand, TestLedger, type TestPerson } from '../support/ledger.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
  await ledger.offer('ten', 10, 100);
});
afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

const balanceOf = ({ userId }: TestPerson) => readBalance(ledger.bot, userId);

describe('an invoice', () => {
  it('is what was offered when it was made, whatever is offered later', async () => {
    const own = await TestLedger.open();
    await own.offer('small', 5, 50);
    const person = await own.person(0);
    const invoice = await own.invoice(person, 'small');
    await own.offer('small', 5, 70);
    expect(await readOfferedPackages(own.bot)).toEqual([{ packageId: 'small', version: 2, credits: 5, stars: 70 }]);
    expect(await bookPayment(own.bot, own.paymentOf(person, invoice))).toMatchObject({ outcome: 'booked', credits: 5 });
    await setPackage(
      own.admin,
      { packageId: 'small', credits: 5, stars: 70, offered: false },
      { actor: 'tester', reason: 'a test' },
    );
    expect(await createInvoice(own.bot, person.userId, 'small')).toEqual({ outcome: 'unknown-package' });
    expect(await own.violations()).toEqual([]);
  });

  it('is paid by its person alone, for its sum, in Stars, once, and before it expires', async () => {
    const person = await ledger.person();
    const stranger = await ledger.person();
    const invoice = await ledger.invoice(person, 'ten');
    const check = (telegramId: number, currency = 'XTR', stars = 100, id = invoice.invoiceId) =>
      checkInvoice(ledger.bot, id, telegramId, currency, stars);
    expect(await check(person.chatId)).toEqual({ ok: true, because: null, language: 'en' });
    expect(await check(person.chatId, 'XTR', 99)).toMatchObject({ ok: false, because: 'other-amount' });
    expect(await check(person.chatId, 'RUB')).toMatchObject({ ok: false, because: 'other-currency' });
    expect(await check(stranger.chatId)).toMatchObject({ ok: false, because: 'other-person', language: 'en' });
    expect(await check(1, 'XTR', 100, 'a'.repeat(20))).toEqual({
      ok: false,
      because: 'unknown-invoice',
      language: null,
    });
    await banPerson(ledger.admin, person.userId, true, byHand());
    expect(await check(person.chatId)).toMatchObject({ ok: false, because: 'banned' });
    expect(await createInvoice(ledger.bot, person.userId, 'ten')).toEqual({ outcome: 'banned' });
    await banPerson(ledger.admin, person.userId, false, byHand());
    await bookPayment(ledger.bot, ledger.paymentOf(person, invoice));
    expect(await check(person.chatId)).toMatchObject({ ok: false, because: 'paid' });
    const late = await ledger.invoice(person, 'ten');
    await ledger.expire(late.invoiceId);
    expect(await check(person.chatId, 'XTR', 100, late.invoiceId)).toMatchObject({ ok: false, because: 'expired' });
    // What was paid was paid: its price had been agreed when Telegram asked.
    expect(await bookPayment(ledger.bot, ledger.paymentOf(person, late))).toMatchObject({ outcome: 'booked' });
  });
});

describe('a payment', () => {
  it('is booked once, however often and however late it is told', async () => {
    const person = await ledger.person();
    const said = ledger.paymentOf(person, await ledger.invoice(person, 'ten'));
    expect(await bookPayment(ledger.bot, said)).toMatchObject({
      outcome: 'booked',
      userId: person.userId,
      credits: 10,
      available: 110,
      debt: 0,
      language: 'en',
    });
    expect(await bookPayment(ledger.bot, { ...said, source: 'reconciliation' })).toMatchObject({
      outcome: 'exists',
      available: 110,
    });
    expect(await balanceOf(person)).toEqual({ available: 110, held: 0, debt: 0, free: 100 });
  });

  it('that fits no open invoice is kept as nobody’s, counted until one of us has looked, and can be given back', async () => {
    const own = await TestLedger.open();
    await own.offer('ten', 10, 100);
    const person = await own.person();
    const stranger = await own.person();
    const invoice = await own.invoice(person, 'ten');
    const paid = own.paymentOf(person, invoice);
    const odd: [string, Partial<SaidPayment>][] = [
      ['unknown-invoice', { invoiceId: 'b'.repeat(20) }],
      ['unknown-invoice', { invoiceId: null }],
      ['other-amount', { stars: 1 }],
      ['other-currency', { currency: 'USD' }],
      ['other-person', { telegramId: stranger.chatId }],
    ];
    for (const [because, other] of odd) {
      const said = { ...paid, chargeId: randomUUID(), ...other };
      expect(await bookPayment(own.bot, said)).toMatchObject({ outcome: 'unmatched', because, userId: null });
      expect(await bookPayment(own.bot, said)).toMatchObject({ outcome: 'exists', because });
    }
    await bookPayment(own.bot, paid);
    const twice = { ...paid, chargeId: randomUUID() };
    expect(await bookPayment(own.bot, twice)).toMatchObject({ outcome: 'unmatched', because: 'paid' });
    const unmatched = async () => (await readFigures(own.controller)).payments.unmatched;
    expect(await unmatched()).toBe(6);
    // The Stars go back; there are no credits to take.
    expect(await beginPaymentRefund(own.admin, twice.chargeId, byHand())).toMatchObject({
      outcome: 'intent',
      credits: 0,
      stars: 100,
    });
    expect(await takePaymentRefunds(own.bot, 'bot', 5)).toMatchObject([{ telegramId: person.chatId }]);
    expect(await unmatched()).toBe(5);
    const act = byHand();
    const charges = await own.rows('select charge_id from ledger.unresolved_payments order by since limit 1');
    const charge = String(charges[0]?.['charge_id']);
    expect(await resolvePayment(own.admin, charge, { ...act, dryRun: true })).toMatchObject({
      outcome: 'would-resolve',
    });
    expect(await resolvePayment(own.admin, charge, act)).toMatchObject({ outcome: 'resolved' });
    expect(await resolvePayment(own.admin, charge, act)).toMatchObject({ outcome: 'exists' });
    expect(await unmatched()).toBe(4);
    expect(await readBalance(own.bot, person.userId)).toMatchObject({ available: 110 });
    expect(await readBalance(own.bot, stranger.userId)).toMatchObject({ available: 100 });
    expect(await own.violations()).toEqual([]);
  });

  it('told again with other facts books nothing, loses nothing, and is counted', async () => {
    const own = await TestLedger.open();
    await own.offer('ten', 10, 100);
    const person = await own.person();
    const said = own.paymentOf(person, await own.invoice(person, 'ten'));
    await bookPayment(own.bot, said);
    for (const other of [{ stars: 5 }, { telegramId: 5 }, { currency: 'USD' }, { invoiceId: 'c'.repeat(20) }]) {
      expect(await bookPayment(own.bot, { ...said, ...other })).toMatchObject({ outcome: 'conflict', available: 110 });
      expect(await bookRefundedPayment(own.bot, { ...said, ...other })).toMatchObject({ outcome: 'conflict' });
    }
    expect((await readFigures(own.controller)).payments.unmatched).toBe(4);
    await resolvePayment(own.admin, said.chargeId, byHand());
    expect((await readFigures(own.controller)).payments.unmatched).toBe(0);
    expect(await readBalance(own.bot, person.userId)).toMatchObject({ available: 110, debt: 0 });
  });
});

describe('a payment given back by us', () => {
  it('takes its credits first, is asked of Telegram until it answers, and ends once', async () => {
    const person = await ledger.person();
    const said = await ledger.paid(person, 'ten');
    const act = byHand();
    const dry = { ...act, dryRun: true };
    expect(await beginPaymentRefund(ledger.admin, said.chargeId, dry)).toMatchObject({ outcome: 'would-begin' });
    expect(await balanceOf(person)).toMatchObject({ available: 110 });
    const begun = await beginPaymentRefund(ledger.admin, said.chargeId, act);
    expect(begun).toMatchObject({ outcome: 'intent', credits: 10, stars: 100, available: 100 });
    expect(await beginPaymentRefund(ledger.admin, said.chargeId, act)).toMatchObject({ outcome: 'exists' });
    const refundId = begun.refundId ?? 0;
    const mine = async () =>
      (await takePaymentRefunds(ledger.bot, 'bot', 100)).filter((refund) => refund.refundId === refundId);
    expect(await mine()).toEqual([
      { refundId, telegramId: person.chatId, chargeId: said.chargeId, stars: 100, tries: 1 },
    ]);
    expect(await mine()).toEqual([]);
    await answerPaymentRefund(ledger.bot, refundId, { kind: 'later', seconds: 0, words: 'Too Many Requests' });
    expect(await mine()).toMatchObject([{ tries: 2 }]);
    expect(await answerPaymentRefund(ledger.bot, refundId, { kind: 'done' })).toMatchObject({
      state: 'done',
      chatId: person.chatId,
      credits: 10,
    });
    // Late, and wrong: it has ended.
    expect(await answerPaymentRefund(ledger.bot, refundId, { kind: 'refused', words: 'no' })).toMatchObject({
      state: 'done',
    });
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({ outcome: 'exists' });
    expect(await balanceOf(person)).toEqual({ available: 100, held: 0, debt: 0, free: 100 });
  });

  it('is confirmed by Telegram’s own word of it', async () => {
    const person = await ledger.person();
    const said = await ledger.paid(person, 'ten');
    const { refundId } = await beginPaymentRefund(ledger.admin, said.chargeId, byHand());
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({ outcome: 'refund-confirmed' });
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({ outcome: 'exists' });
    expect(await answerPaymentRefund(ledger.bot, refundId ?? 0, { kind: 'done' })).toMatchObject({ state: 'done' });
    expect(await balanceOf(person)).toMatchObject({ available: 100, debt: 0 });
  });

  it('brings its credits back when Telegram refuses for good, and then another may be tried', async () => {
    const person = await ledger.person();
    const said = await ledger.paid(person, 'ten');
    const act = byHand();
    const { refundId } = await beginPaymentRefund(ledger.admin, said.chargeId, act);
    const no = { kind: 'refused', words: 'CHARGE_ID_INVALID' } as const;
    expect(await answerPaymentRefund(ledger.bot, refundId ?? 0, no)).toMatchObject({
      state: 'refused',
      available: 110,
    });
    expect(await answerPaymentRefund(ledger.bot, refundId ?? 0, no)).toMatchObject({ available: 110 });
    expect(await balanceOf(person)).toEqual({ available: 110, held: 0, debt: 0, free: 100 });
    expect(await beginPaymentRefund(ledger.admin, said.chargeId, act)).toMatchObject({
      outcome: 'exists',
      state: 'refused',
    });
    expect(await beginPaymentRefund(ledger.admin, said.chargeId, byHand())).toMatchObject({ outcome: 'intent' });
  });

  it('is refused when its credits are spent, held, owed, gone or never came, and that is written down', async () => {
    const person = await ledger.person(3);
    const said = await ledger.paid(person, 'ten');
    // Free credits go first: 3 free and 1 bought.
    for (let order = 0; order < 4; order += 1) await ledger.claimed(person);
    const act = byHand();
    expect(await beginPaymentRefund(ledger.admin, said.chargeId, act)).toMatchObject({
      outcome: 'refused',
      because: 'spent',
    });
    const { actions } = (await readPerson(ledger.admin, person)) ?? { actions: null };
    expect(actions).not.toBeNull();
    expect(
      await ledger.rows(`select outcome from ledger.admin_actions where subject ->> 'reference' = $1`, [act.reference]),
    ).toEqual([{ outcome: { outcome: 'refused', because: 'spent' } }]);
    const gone = await ledger.paid(await ledger.person(), 'ten');
    await bookRefundedPayment(ledger.bot, gone);
    expect(await beginPaymentRefund(ledger.admin, gone.chargeId, byHand())).toMatchObject({ because: 'charged-back' });
    expect(await beginPaymentRefund(ledger.admin, 'nothing', byHand())).toMatchObject({ because: 'unknown-payment' });
  });
});

describe('a chargeback', () => {
  it('takes what is there, bought credits first, and is never refused', async () => {
    const person = await ledger.person(3);
    const said = await ledger.paid(person, 'ten');
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({
      outcome: 'charged-back',
      credits: 10,
      available: 3,
      debt: 0,
    });
    expect(await bookRefundedPayment(ledger.bot, { ...said, source: 'reconciliation' })).toMatchObject({
      outcome: 'exists',
    });
    expect(await balanceOf(person)).toEqual({ available: 3, held: 0, debt: 0, free: 3 });
  });

  it('of spent credits is owed: no order until it is repaid, by whatever comes first', async () => {
    const person = await ledger.person(0);
    const said = await ledger.paid(person, 'ten');
    const shown = await ledger.claimed(person);
    await ledger.shown(shown);
    const open = await ledger.claimed(person);
    const before = await balanceOf(person);
    expect(before).toMatchObject({ available: 11, held: 1, free: 1 });
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({
      outcome: 'charged-back',
      available: 1,
      debt: 0,
    });
    const more = await ledger.paid(person, 'ten');
    for (let order = 0; order < 4; order += 1) await ledger.claimed(person);
    expect(await balanceOf(person)).toEqual({ available: 7, held: 5, debt: 0, free: 0 });
    expect(await bookRefundedPayment(ledger.bot, more)).toMatchObject({ available: 0, debt: 3 });
    expect(await ledger.place(ledger.placement(person))).toMatchObject({ outcome: 'refused', reason: 'InDebt' });
    // A release comes back and is repaid at once, a grant too, and of a top-up what is left can be spent.
    await closeOrder(ledger.controller, open.orderId, open.uid, 'Deleted');
    expect(await balanceOf(person)).toMatchObject({ available: 0, held: 4, debt: 2 });
    expect(await grantByAdmin(ledger.admin, person.userId, 1, byHand())).toMatchObject({ available: 0, debt: 1 });
    await ledger.paid(person, 'ten');
    expect(await balanceOf(person)).toEqual({ available: 9, held: 4, debt: 0, free: 0 });
    expect(await ledger.violations()).toEqual([]);
  });

  it('that is told before its payment leaves nothing to credit', async () => {
    const person = await ledger.person();
    const said = ledger.paymentOf(person, await ledger.invoice(person, 'ten'));
    expect(await bookRefundedPayment(ledger.bot, said)).toMatchObject({ outcome: 'unmatched' });
    expect(await bookPayment(ledger.bot, said)).toMatchObject({ outcome: 'exists', because: 'refunded-first' });
    expect(await balanceOf(person)).toMatchObject({ available: 100, debt: 0 });
  });
});

it('the figures of credits add up to what people have', async () => {
  const { credits } = await readFigures(ledger.controller);
  expect(credits.available + credits.held - credits.debt).toBe(
    credits.granted + credits.bought + credits.writtenOff - credits.captured - credits.refunded - credits.chargedBack,
  );
});
