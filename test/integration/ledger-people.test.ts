import { describe, expect, it } from 'vitest';
import { enterAuditMode, readDatabaseFacts } from '../../src/audit/database-facts.ts';
import { referralSweep } from '../../src/controller/sweeps.ts';
import { takeShowings } from '../../src/delivery/delivery.ts';
import { recordPrompt } from '../../src/generation/attempt.ts';
import { grantByAdmin, grantDueReferrals, redeemPromo, setPromo, writeOffByAdmin } from '../../src/ledger/grants.ts';
import { banPerson, closeOrderByAdmin, readPerson } from '../../src/ledger/oversight.ts';
import { bookPayment, bookRefundedPayment } from '../../src/ledger/payments.ts';
import { forgetPerson, readBalance, recordConsent, registerPerson, setReferrer } from '../../src/ledger/people.ts';
import { beginPaymentRefund, takePaymentRefunds } from '../../src/ledger/refunds.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { createLogger } from '../../src/log/logger.ts';
import { takeNotices } from '../../src/order/notices.ts';
import { readOwnOrder } from '../../src/order/placement.ts';
import { ruleOf } from '../../src/postgres/errors.ts';
import { byHand, TestLedger, type TestPerson } from '../support/ledger.ts';
import { buildMoneyScene, identityOf } from '../support/money-scene.ts';

const hand = { actor: 'tester', reason: 'a test' };

/** Whoever never agreed yet: at their first start. */
async function newcomer(ledger: TestLedger, telegramId: number): Promise<TestPerson & { code: string }> {
  const { userId, referralCode } = await registerPerson(ledger.bot, telegramId, 'en');
  return { userId, chatId: telegramId, code: referralCode };
}

describe('who invited somebody', () => {
  it('is written once, before they agree, and never themselves or somebody who came later', async () => {
    const ledger = await TestLedger.open();
    const anna = await newcomer(ledger, 1);
    const boris = await newcomer(ledger, 2);
    const say = async (who: TestPerson, code: string) => (await setReferrer(ledger.bot, who.userId, code)).because;
    expect(await say(boris, boris.code)).toBe('oneself');
    expect(await say(anna, boris.code)).toBe('came-later');
    expect(await say(boris, 'nobody')).toBe('unknown-code');
    expect(await setReferrer(ledger.bot, boris.userId, anna.code)).toEqual({ outcome: 'recorded', because: null });
    const vera = await newcomer(ledger, 3);
    expect(await say(boris, vera.code)).toBe('already');
    await recordConsent(ledger.bot, vera.userId, '1');
    expect(await say(vera, anna.code)).toBe('not-new');
  });

  it('gets a bonus once, after the first captured order with bought credits and 21 days without a refund', async () => {
    const ledger = await TestLedger.open();
    await ledger.offer('ten', 10, 100);
    await ledger.admin.query(`select ledger.set_setting('referral_credits', '7')`);
    const anna = await newcomer(ledger, 1);
    await recordConsent(ledger.bot, anna.userId, '1');
    const invited = async (telegramId: number): Promise<TestPerson> => {
      const person = await newcomer(ledger, telegramId);
      await setReferrer(ledger.bot, person.userId, anna.code);
      await recordConsent(ledger.bot, person.userId, '1');
      return person;
    };
    const [payer, returner, freeloader, hurried] = [
      await invited(2),
      await invited(3),
      await invited(4),
      await invited(5),
    ];
    const shownFor = async (person: TestPerson, orders: number, days: number): Promise<void> => {
      for (let n = 0; n < orders; n += 1) {
        const order = await ledger.claimed(person);
        await ledger.shown(order);
        await ledger.captureEarlier(order, days);
      }
    };
    const charges = new Map<TestPerson, Awaited<ReturnType<typeof ledger.paid>>>();
    for (const person of [payer, returner, hurried]) charges.set(person, await ledger.paid(person, 'ten'));
    // Three welcome credits first: only the fourth order is paid with a bought one.
    await shownFor(freeloader, 3, 30);
    await shownFor(payer, 3, 30);
    expect(await grantDueReferrals(ledger.controller)).toEqual([]);
    await shownFor(payer, 1, 22);
    await shownFor(returner, 4, 22);
    await shownFor(hurried, 4, 20);
    const charge = charges.get(returner);
    if (charge === undefined) throw new Error('nothing paid');
    await bookRefundedPayment(ledger.bot, charge);
    const granted = await Promise.all([1, 2, 3].map(() => grantDueReferrals(ledger.controller)));
    expect(granted.flat()).toEqual([anna.userId]);
    expect(await readBalance(ledger.bot, anna.userId)).toMatchObject({ available: 10, free: 10 });
    expect(await ledger.violations()).toEqual([]);
  });
});

describe('the controller', () => {
  const log = createLogger({ service: 'controller' }, { write: () => undefined });

  it('grants the bonuses that are due', async () => {
    const ledger = await TestLedger.open();
    const { referrer } = await buildMoneyScene(ledger);
    for (const _ of [1, 2]) await referralSweep({ database: ledger.controller, log })();
    expect(await readBalance(ledger.bot, referrer.userId)).toMatchObject({ available: 8 });
    expect(await ledger.violations()).toEqual([]);
  });

  it('grants none out of books that may have forgotten a refund', async () => {
    const ledger = await TestLedger.open();
    const { referrer } = await buildMoneyScene(ledger);
    const { epoch } = await readDatabaseFacts(ledger.controller);
    expect(await enterAuditMode(ledger.controller, epoch, 'database-forgot', 'a test')).toBe(true);
    await referralSweep({ database: ledger.controller, log })();
    expect(await readBalance(ledger.bot, referrer.userId)).toMatchObject({ available: 3 });
  });
});

describe('a code', () => {
  it('gives its credits once to a person, as often as it may, and until it ends', async () => {
    const ledger = await TestLedger.open();
    const people = await Promise.all(Array.from({ length: 6 }, () => ledger.person(3)));
    const promo = { code: 'spring', credits: 5, usesLimit: 4, until: null };
    await setPromo(ledger.admin, promo, hand);
    const redeemed = await Promise.all(
      people.flatMap(({ userId }) => [1, 2].map(() => redeemPromo(ledger.bot, userId, ' Spring '))),
    );
    expect(redeemed.filter(({ outcome }) => outcome === 'granted')).toHaveLength(4);
    expect(redeemed.filter(({ outcome }) => outcome === 'already')).toHaveLength(4);
    expect(redeemed.filter(({ outcome }) => outcome === 'exhausted')).toHaveLength(4);
    expect(await redeemPromo(ledger.bot, people[0]?.userId ?? 0, 'autumn')).toMatchObject({ outcome: 'unknown' });
    await setPromo(ledger.admin, { ...promo, code: 'gone', until: new Date(0) }, hand);
    expect(await redeemPromo(ledger.bot, people[0]?.userId ?? 0, 'gone')).toMatchObject({ outcome: 'expired' });
    expect(await setPromo(ledger.admin, { ...promo, credits: 6 }, hand).catch(ruleOf)).toBe('promo_facts_stay');
    await banPerson(ledger.admin, people[0]?.userId ?? 0, true, byHand());
    expect(await redeemPromo(ledger.bot, people[0]?.userId ?? 0, 'spring')).toMatchObject({ outcome: 'banned' });
    expect(await ledger.violations()).toEqual([]);
  });
});

describe('a person who has themselves forgotten', () => {
  it('is told what is lost, waits for open orders, and is known by nothing but the books and an HMAC', async () => {
    const ledger = await TestLedger.open();
    await ledger.offer('ten', 10, 100);
    const person = await ledger.person(3);
    const charge = await ledger.paid(person, 'ten');
    const order = await ledger.claimed(person);
    const lease = await ledger.leased(order);
    await recordPrompt(ledger.runner, lease.attemptId, lease.fence, 'their words', 'person');
    const forget = (expected: number | null) =>
      forgetPerson(ledger.bot, person.userId, identityOf(person.chatId), expected);
    expect(await forget(12)).toMatchObject({ outcome: 'open-orders', openOrders: [order.orderId], forfeits: 12 });
    await closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted');
    expect(await forget(null)).toMatchObject({ outcome: 'preview', forfeits: 13, videoJobs: [] });
    expect(await forget(12)).toMatchObject({ outcome: 'changed', forfeits: 13 });
    expect(await forget(13)).toEqual({
      outcome: 'forgotten',
      openOrders: [],
      forfeits: 13,
      debt: 0,
      videoJobs: [`vj-${order.orderId}`],
    });
    expect(await readBalance(ledger.bot, person.userId)).toEqual({ available: 0, held: 0, debt: 0, free: 0 });
    const left = await ledger.rows(
      `select product_text, wishes, chat_id::int, prompt, photo_url,
         (select bool_and(chat_id = 0 and ended_at is not null) from ledger.notices) as notices_gone,
         (select bool_and(telegram_id is null) from ledger.payments) as payments_gone,
         (select telegram_id is null and consented_at is null from ledger.people) as person_gone
       from ledger.orders join ledger.attempts using (order_id)`,
    );
    expect(left).toEqual([
      {
        product_text: '',
        wishes: null,
        chat_id: 0,
        prompt: null,
        photo_url: null,
        notices_gone: true,
        payments_gone: true,
        person_gone: true,
      },
    ]);
    expect(await takeNotices(ledger.bot, 'bot', 10)).toEqual([]);
    expect(await readOwnOrder(ledger.bot, order.orderId, person.userId)).toBeNull();
    expect(await ledger.place(ledger.placement(person))).toMatchObject({ outcome: 'refused', reason: 'NoConsent' });
    // What Telegram says of them still finds its payment.
    expect(await bookPayment(ledger.bot, charge)).toMatchObject({ outcome: 'exists' });
    expect(await beginPaymentRefund(ledger.admin, charge.chargeId, byHand())).toMatchObject({ because: 'forgotten' });
    expect(await ledger.violations()).toEqual([]);
  });

  it('comes back to the same number: no second welcome, no other referrer, the same debt and ban', async () => {
    const ledger = await TestLedger.open();
    await ledger.offer('ten', 10, 100);
    const person = await ledger.person(0);
    const charge = await ledger.paid(person, 'ten');
    for (let n = 0; n < 4; n += 1) await ledger.shown(await ledger.claimed(person));
    await bookRefundedPayment(ledger.bot, charge);
    await banPerson(ledger.admin, person.userId, true, byHand());
    await forgetPerson(ledger.bot, person.userId, identityOf(person.chatId), 0);
    const stranger = await newcomer(ledger, 77);
    expect(stranger.userId).not.toBe(person.userId);
    const back = await registerPerson(ledger.bot, person.chatId, 'ru', identityOf(person.chatId));
    expect(back).toMatchObject({
      userId: person.userId,
      created: false,
      consentedAt: null,
      banned: true,
      language: 'ru',
    });
    expect(await setReferrer(ledger.bot, person.userId, stranger.code)).toMatchObject({ because: 'not-new' });
    await banPerson(ledger.admin, person.userId, false, byHand());
    expect(await recordConsent(ledger.bot, person.userId, '1')).toMatchObject({ granted: 0, available: 0 });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0, debt: 1 });
    expect(await takeShowings(ledger.bot, 'bot', 5)).toEqual([]);
    expect(await ledger.violations()).toEqual([]);
  });

  it('is still given the money that is on its way back to them', async () => {
    const ledger = await TestLedger.open();
    await ledger.offer('ten', 10, 100);
    const person = await ledger.person(3);
    const charge = await ledger.paid(person, 'ten');
    await beginPaymentRefund(ledger.admin, charge.chargeId, byHand());
    await forgetPerson(ledger.bot, person.userId, identityOf(person.chatId), 3);
    expect(await takePaymentRefunds(ledger.bot, 'bot', 5)).toMatchObject([{ telegramId: person.chatId }]);
    expect(await bookRefundedPayment(ledger.bot, charge)).toMatchObject({ outcome: 'refund-confirmed' });
    expect(await ledger.rows('select telegram_id from ledger.payments')).toEqual([{ telegram_id: null }]);
  });
});

describe('an operator', () => {
  it('gives up a paid task, or only asks what would come of it, and leaves a row', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    await ledger.accepted(order);
    const act = byHand({ reference: 'ticket-1', reason: 'stuck' });
    expect(await closeOrderByAdmin(ledger.admin, order.orderId, { ...act, dryRun: true })).toEqual({
      settled: null,
      because: null,
    });
    expect((await ledger.observe(order)).settled).toBeNull();
    expect(await closeOrderByAdmin(ledger.admin, order.orderId, act)).toMatchObject({
      settled: { outcome: 'released', reason: 'Cancelled' },
    });
    expect(await closeOrderByAdmin(ledger.admin, order.orderId, act)).toMatchObject({
      settled: { outcome: 'released' },
    });
    const stored = await ledger.claimed(person);
    await ledger.succeeded(stored);
    expect(await closeOrderByAdmin(ledger.admin, stored.orderId, byHand())).toMatchObject({
      settled: null,
      because: 'the video is stored: only its delivery decides now',
    });
    expect(await closeOrderByAdmin(ledger.admin, 'aaaaaaaaaaaa', byHand())).toMatchObject({ because: 'unknown order' });
    const rows = await ledger.rows(
      `select actor, session_role, reference, reason from ledger.admin_actions where subject ->> 'orderId' = $1`,
      [order.orderId],
    );
    expect(rows).toEqual([{ actor: 'tester', session_role: 'admin', reference: 'ticket-1', reason: 'stuck' }]);
  });

  it('sees a person’s books, and neither their Telegram id nor a word of theirs', async () => {
    const ledger = await TestLedger.open();
    await ledger.offer('ten', 10, 100);
    const person = await ledger.person(3);
    const charge = await ledger.paid(person, 'ten');
    await ledger.claimed(person);
    await grantByAdmin(ledger.admin, person.userId, 2, byHand({ reference: 'ticket-2' }));
    await writeOffByAdmin(ledger.admin, person.userId, 1, byHand({ reference: 'restore-1' }));
    const record = await readPerson(ledger.admin, { telegramId: person.chatId });
    expect(record).toMatchObject({
      userId: person.userId,
      balance: { available: 15, held: 1, debt: 0, free: 5 },
      orders: { held: 1 },
      payments: [{ chargeId: charge.chargeId, credits: 10, refund: null, chargedBackAt: null }],
      forgotten: false,
    });
    expect(record?.grants.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      'writeoff 1',
      'grant 2',
      'welcome 3',
    ]);
    expect(record?.actions.map(({ reference }) => reference)).toEqual(['restore-1', 'ticket-2']);
    expect(JSON.stringify(record)).not.toContain(String(person.chatId));
    expect(JSON.stringify(record)).not.toContain('a cup');
    expect(await readPerson(ledger.admin, { userId: 999 })).toBeNull();
    expect(await ledger.violations()).toEqual([]);
  });
});
