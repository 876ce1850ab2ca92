import { createHash } from 'node:crypto';
import { redeemPromo, setPromo } from '../../src/ledger/grants.ts';
import { bookRefundedPayment, type SaidPayment } from '../../src/ledger/payments.ts';
import { forgetPerson, setReferrer } from '../../src/ledger/people.ts';
import { answerPaymentRefund, beginPaymentRefund } from '../../src/ledger/refunds.ts';
import { byHand, type TestLedger, type TestOrder, type TestPerson } from './ledger.ts';

/** People with money in each of the states that rules speak of. A package has 10 credits for 100 Stars, and every welcome 3 credits. */
export type MoneyScene = {
  /** Has 3 free and 10 bought credits, an invoice that was paid and one that was not. */
  readonly buyer: TestPerson;
  readonly paid: SaidPayment;
  readonly openInvoice: string;
  /** Telegram has not answered about this refund. */
  readonly refunding: SaidPayment;
  /** Telegram refused this refund, and its credits came back. */
  readonly kept: SaidPayment;
  /** Was charged back, and all of it was there. */
  readonly chargedBack: SaidPayment;
  /** Owes credits, and has an open order. */
  readonly debtor: TestPerson;
  readonly debtorsOrder: TestOrder;
  /** Invited `due`, whose bonus of 5 may be granted, and `early`, whose may not. */
  readonly referrer: TestPerson;
  readonly due: TestPerson;
  readonly early: TestPerson;
  /** Used the code `scene`, which gives 5. The code `over` works no longer. */
  readonly redeemer: TestPerson;
  readonly forgotten: TestPerson;
};

const hand = { actor: 'tester', reason: 'a test' };

/** HMAC of a Telegram id, as a process with a pepper would make it. */
export const identityOf = (telegramId: number): string =>
  createHash('sha256').update(`pepper ${telegramId}`).digest('hex');

/** Plays payments, refunds and grants as far as the rules need them. */
export async function buildMoneyScene(ledger: TestLedger): Promise<MoneyScene> {
  await ledger.offer('scene', 10, 100);
  await ledger.admin.query(`select ledger.set_setting('referral_credits', '5')`);
  const buyer = await ledger.person(3);
  const paid = await ledger.paid(buyer, 'scene');
  const { invoiceId: openInvoice } = await ledger.invoice(buyer, 'scene');
  const refunding = await ledger.paid(await ledger.person(3), 'scene');
  await beginPaymentRefund(ledger.admin, refunding.chargeId, byHand());
  const kept = await ledger.paid(await ledger.person(3), 'scene');
  const { refundId } = await beginPaymentRefund(ledger.admin, kept.chargeId, byHand());
  await answerPaymentRefund(ledger.bot, refundId ?? 0, { kind: 'refused', words: 'no' });
  const chargedBack = await ledger.paid(await ledger.person(3), 'scene');
  await bookRefundedPayment(ledger.bot, chargedBack);
  const [debtor, debtorsOrder] = await buildDebtor(ledger);
  const referrer = await ledger.person(3);
  const [due, early] = [await invited(ledger, referrer), await invited(ledger, referrer)];
  const promo = { usesLimit: null, until: null, credits: 5 };
  await setPromo(ledger.admin, { ...promo, code: 'scene' }, hand);
  await setPromo(ledger.admin, { ...promo, code: 'over', until: new Date(0) }, hand);
  const redeemer = await ledger.person(3);
  await redeemPromo(ledger.bot, redeemer.userId, 'scene');
  const forgotten = await ledger.person(3);
  await forgetPerson(ledger.bot, forgotten.userId, identityOf(forgotten.chatId), 3);
  await buyVideos(ledger, due, 30);
  return {
    ...{ buyer, paid, openInvoice, refunding, kept, chargedBack, debtor, debtorsOrder },
    ...{ referrer, due, early, redeemer, forgotten },
  };
}

/** Whoever spent what was charged back: 3 free and 1 bought credit, of which one order is still open. */
async function buildDebtor(ledger: TestLedger): Promise<[TestPerson, TestOrder]> {
  const debtor = await ledger.person(3);
  const charge = await ledger.paid(debtor, 'scene');
  for (let n = 0; n < 3; n += 1) await ledger.claimed(debtor);
  const order = await ledger.claimed(debtor);
  await bookRefundedPayment(ledger.bot, charge);
  return [debtor, order];
}

async function invited(ledger: TestLedger, referrer: TestPerson): Promise<TestPerson> {
  const [row] = await ledger.rows('select referral_code from ledger.people where user_id = $1', [referrer.userId]);
  return ledger.person(3, async (userId) => {
    await setReferrer(ledger.bot, userId, String(row?.['referral_code']));
  });
}

/** A person buys a package and has so many days ago been shown the first video that took a bought credit. */
async function buyVideos(ledger: TestLedger, person: TestPerson, days: number): Promise<void> {
  await ledger.paid(person, 'scene');
  for (let n = 0; n < 4; n += 1) {
    const order = await ledger.claimed(person);
    await ledger.shown(order);
    await ledger.captureEarlier(order, days);
  }
}
