import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { setPackage, setPromo } from '../../src/ledger/grants.ts';
import { bookPayment, bookRefundedPayment, createInvoice } from '../../src/ledger/payments.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { type BotRig, pressesOf, startBotRig, wordsOf } from '../support/bot.ts';

/** One bot serves all these tests, each with customers of its own. */
let bot: BotRig;
let admin: DatabasePool;
let books: DatabasePool;
beforeAll(async () => {
  bot = await startBotRig();
  admin = createPool(bot.database.urlFor('admin'), { applicationName: 'test-admin', max: 2 });
  books = createPool(bot.database.urlFor('bot'), { applicationName: 'test-bot', max: 2 });
});
afterAll(async () => {
  await Promise.all([admin.end(), books.end()]);
  await bot.end();
});
afterEach(() => settings('referral_credits = 0'));

const settings = (changes: string) =>
  bot.rows(`update ledger.settings set ${changes} returning 1 as one`, [], z.unknown());
const hand = { actor: 'tester', reason: 'a test' };

const personRow = z.object({
  user_id: z.coerce.number(),
  referral_code: z.string(),
  referred_by: z.coerce.number().nullable(),
});
async function personOf(chat: number): Promise<z.infer<typeof personRow>> {
  const [person] = await bot.rows(
    'select user_id, referral_code, referred_by from ledger.people where telegram_id = $1',
    [chat],
    personRow,
  );
  if (person === undefined) throw new Error('nobody is known there');
  return person;
}

async function member(chat: number) {
  const customer = bot.customer(chat);
  await customer.say('/start');
  await customer.press('accept');
  await customer.seeText('Send a photo of your product');
  return customer;
}

describe('who invited a person', () => {
  test('is written at their first start by the link that the other one finds in /balance', async () => {
    await settings('referral_credits = 2');
    const anna = await member(851);
    await anna.say('/balance');
    const told = await anna.seeText('Invite somebody');
    const { user_id: userId, referral_code: code } = await personOf(851);
    expect(wordsOf(told)).toMatch(new RegExp(`https://t\\.me/\\w+\\?start=r_${code}\\n`));
    expect(wordsOf(told)).toContain('You get 2 credits when 21 days have passed');

    const boris = bot.customer(852);
    await boris.say(`/start r_${code}`);
    await boris.seeText('Do you agree?');
    expect(await personOf(852)).toMatchObject({ referred_by: userId });
    // Somebody else's link later changes nothing.
    const { referral_code: another } = await personOf((await member(853)).chat);
    await boris.say(`/start r_${another}`);
    await boris.press('accept');
    await boris.seeText('Welcome');
    expect(await personOf(852)).toMatchObject({ referred_by: userId });
  });

  test('is nobody when they came by themselves, by their own link, by a made-up one, or had agreed before', async () => {
    const { referral_code: code } = await personOf((await member(854)).chat);
    const vera = bot.customer(855);
    await vera.say('/start');
    await vera.seeText('Do you agree?');
    const own = (await personOf(855)).referral_code;
    for (const word of [`r_${own}`, 'r_aaaaaaaaaa', 'r_', code, `x_${code}`, "r_' or true --"]) {
      await vera.say(`/start ${word}`);
    }
    await vera.press('accept');
    await vera.seeText('Welcome');
    await vera.say(`/start r_${code}`);
    await vera.seeText('Send a photo of your product to start a video');
    expect(await personOf(855)).toMatchObject({ referred_by: null });
  });

  test('is not asked for, and no link is shown, while nothing is given for it', async () => {
    const anna = await member(856);
    await anna.say('/balance');
    expect(wordsOf(await anna.seeText(/^Your balance: 3 credits\./))).not.toContain('t.me');
  });
});

test('a code gives its credits once, and every other answer says why not', async () => {
  const past = new Date(Date.now() - 60_000);
  const promo = { credits: 4, usesLimit: null, until: null };
  await setPromo(admin, { ...promo, code: 'spring' }, hand);
  await setPromo(admin, { ...promo, code: 'winter', until: past }, hand);
  await setPromo(admin, { ...promo, code: 'nobody', usesLimit: 0 }, hand);
  const early = bot.customer(857);
  await early.say('/promo SPRING');
  await early.seeText('Do you agree?');

  const anna = await member(858);
  await anna.say('/promo');
  await anna.seeText('Write the code after the command');
  await anna.say('/promo  Spring ');
  await anna.seeText('You got 4 credits. Your balance: 7 credits.');
  await anna.say('/promo SPRING');
  await anna.seeText('You have used this code before');
  await anna.say('/promo winter');
  await anna.seeText('no longer valid');
  await anna.say('/promo nobody');
  await anna.seeText('has been used up');
  await anna.say('/promo <b>none</b>');
  await anna.seeText('There is no such code');
  await anna.say('/balance');
  await anna.seeText('Your balance: 7 credits.');
});

test('a debt is told in /balance and by the refusal of an order, and the draft is not lost', async () => {
  const anna = bot.customer(859);
  await anna.upToConfirmation();
  const { user_id: userId } = await personOf(859);
  await setPackage(admin, { packageId: 'ten', credits: 10, stars: 50, offered: true }, hand);
  const invoice = await createInvoice(books, userId, 'ten');
  if (invoice.outcome !== 'created') throw new Error(JSON.stringify(invoice));
  const { invoiceId, stars } = invoice;
  const said = {
    chargeId: randomUUID(),
    invoiceId,
    telegramId: 859,
    currency: 'XTR',
    stars,
    source: 'update' as const,
  };
  await bookPayment(books, said);
  await anna.press('count', (press) => press.kind === 'count' && press.count === 5);
  await anna.press('create');
  await anna.seeText('Video 1 of 5. Order accepted');
  await bookRefundedPayment(books, said);

  await anna.say('/balance');
  const told = await anna.seeText('You owe: 2 credits. New credits pay this first.');
  expect(wordsOf(told)).toContain('Your balance: 0 credits.');
  await anna.draft('Another cup');
  const screen = await anna.seeText('This video costs 1 credit, and you have 0 credits');
  expect(wordsOf(screen)).toContain('you owe 2 credits');
  expect(pressesOf(screen).map((press) => press.kind)).toEqual(['check', 'discard']);
});

test('a banned person hears so when they order, and nothing is placed', async () => {
  const anna = bot.customer(860);
  await anna.upToConfirmation();
  await bot.rows(
    'update ledger.people set banned_at = clock_timestamp() where telegram_id = 860 returning 1 as one',
    [],
    z.unknown(),
  );
  await anna.press('create');
  await anna.seeText('Orders from this account are closed');
  const orders = await bot.rows('select 1 as one from ledger.orders where chat_id = 860', [], z.unknown());
  expect(orders).toEqual([]);
});
