import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type BotRig, pressesOf, startBotRig } from '../support/bot.ts';
import { takeOver } from '../support/placed-order.ts';
import { waitFor } from '../support/wait.ts';

const orderRow = z.object({ order_id: z.string(), user_id: z.coerce.number(), repeats: z.string().nullable() });
let bot: BotRig;
beforeAll(async () => {
  bot = await startBotRig();
});
afterAll(() => bot.end());
afterEach(() => settings('welcome_credits = 3, unit_price = 1, accepting_orders = true'));

/** One bot serves all these tests, each with customers of its own. */
const settings = (changes: string) =>
  bot.rows(`update ledger.settings set ${changes} returning 1 as one`, [], z.unknown());
const ordersOf = (chat: number) =>
  bot.rows(
    'select order_id, user_id, repeats from ledger.orders where chat_id = $1 order by placed_at',
    [chat],
    orderRow,
  );

async function firstOrder(chat: number): Promise<string> {
  const [order] = await ordersOf(chat);
  if (order === undefined) throw new Error('no order was placed');
  return order.order_id;
}

test('a double tap places one order, and says so', async () => {
  const anna = bot.customer(301);
  await anna.upToConfirmation();
  const confirmation = await anna.seeButton('create');
  const create = pressesOf(confirmation).find((press) => press.kind === 'create');
  const data = `c:${create?.kind === 'create' ? create.nonce : ''}`;
  const taps = await Promise.all([
    anna.pressData(confirmation.message_id, data),
    anna.pressData(confirmation.message_id, data),
  ]);
  expect(new Set(taps.map((tap) => tap.text))).toEqual(new Set(['Accepted!', 'This order is already accepted.']));
  expect(await ordersOf(anna.chat)).toHaveLength(1);
  const late = await anna.pressData(confirmation.message_id, data);
  expect(late.text).toBe('This order is already accepted.');
});

test('stale buttons, other people’s buttons and made-up ones are answered, and nothing happens', async () => {
  const [anna, boris] = [bot.customer(302), bot.customer(303)];
  await anna.upToConfirmation();
  await boris.upToConfirmation();
  const confirmation = await anna.seeButton('create');
  const [create] = pressesOf(confirmation).filter((press) => press.kind === 'create');
  const nonce = create?.kind === 'create' ? create.nonce : '';
  const at = (await boris.seeButton('create')).message_id;

  expect((await boris.pressData(at, `c:${nonce}`)).text).toBe('This button is not yours.');
  expect((await boris.pressData(at, 'c:aaaaaaaaaaaaaaaa')).text).toContain('out of date');
  expect((await boris.pressData(at, 'made up')).text).toContain('out of date');
  expect((await anna.pressData(confirmation.message_id, `t:${nonce}:ugc`)).text).toContain('out of date');
  expect(await ordersOf(anna.chat)).toEqual([]);

  await anna.press('create');
  const order = await firstOrder(anna.chat);
  for (const data of [`x:${order}`, `s:${order}`, `g:${order}:1:1`]) {
    expect((await boris.pressData(at, data)).text, data).toBe('This button is not yours.');
  }
  expect(await ordersOf(anna.chat)).toHaveLength(1);

  // A new photo makes the buttons of the old draft stale.
  await boris.draft('Another cup');
  expect((await boris.pressData(at, pressDataOfCreate(await boris.messages(), at))).text).toContain('out of date');
});

function pressDataOfCreate(messages: Parameters<typeof pressesOf>[0][], messageId: number): string {
  const message = messages.find((one) => one.message_id === messageId);
  const press = message === undefined ? undefined : pressesOf(message).find((one) => one.kind === 'create');
  return press?.kind === 'create' ? `c:${press.nonce}` : '';
}

test('without credits a person is told what to do, loses nothing, and orders when they have some', async () => {
  const anna = bot.customer(304);
  await settings('welcome_credits = 0');
  await anna.upToConfirmation();
  const refused = await anna.seeText('This video costs 1 credit, and you have 0 credits');
  expect(refused.text).toContain('@a_human');
  expect(pressesOf(refused).map((press) => press.kind)).toEqual(['check', 'discard']);
  await anna.press('check');

  await bot.rows(
    `select ledger.grant_by_admin(user_id, 1, 'test', 'test', 'test', false) from ledger.people where telegram_id = $1`,
    [anna.chat],
    z.unknown(),
  );
  await anna.press('check');
  await anna.seeText('Ready to create');
  await anna.press('create');
  expect(await ordersOf(anna.chat)).toHaveLength(1);
});

test('a refused order keeps the draft: its screen says why and has a fresh button', async () => {
  const anna = bot.customer(305);
  await anna.upToConfirmation();
  await anna.seeButton('create');
  await settings('unit_price = 2');
  const first = await anna.press('create');
  await anna.seeText('a video now costs 2 credits');
  expect(await ordersOf(anna.chat)).toEqual([]);
  const again = await anna.pressData(first.messageId, first.data);
  expect(again.text).toContain('out of date');
  await settings('accepting_orders = false');
  await anna.press('create');
  await anna.seeText('not taking new orders');
  await settings('accepting_orders = true');
  await anna.press('create');
  expect(await ordersOf(anna.chat)).toHaveLength(1);
});

test('an order is cancelled with its button while nothing is paid, and the credits are back', async () => {
  const anna = bot.customer(306);
  await anna.upToConfirmation();
  await anna.press('create');
  await anna.seeText('Order accepted');
  expect((await anna.press('cancel')).text).toBe('The order is cancelled.');
  const told = await anna.seeText(/Returned: 1 credit\. Your balance: 3 credits/);
  expect(told.text).toContain('The order is cancelled.');
  const order = await firstOrder(anna.chat);
  expect((await anna.pressData(told.message_id, `x:${order}`)).text).toBe('This order is already finished.');
  await anna.say('/cancel');
  await anna.seeText('nothing to cancel');
  expect(await bot.rows('select * from ledger.violations', [], z.unknown())).toEqual([]);
});

test('the cancel button answers "too late" once a paid task may run, and the order goes on', async () => {
  const anna = bot.customer(307);
  await anna.upToConfirmation();
  await anna.press('create');
  await anna.seeText('Order accepted');
  await (await takeOver(bot.database, await firstOrder(anna.chat))).accepted();
  const progress = await anna.seeText('Making the video');
  expect(pressesOf(progress)).toEqual([]);
  const late = await anna.pressData(progress.message_id, `x:${await firstOrder(anna.chat)}`);
  expect(late.text).toContain('Too late to cancel');
});

test('the language is switched with a button, in the middle of a draft too', async () => {
  const anna = bot.customer(308);
  await anna.say('/start');
  await anna.press('language', (press) => press.kind === 'language' && press.language === 'ru');
  await anna.seeText('Вы согласны?');
  await anna.press('accept');
  await anna.seeText('Добро пожаловать! Для начала у вас 3 кредита');
  await anna.sendPhoto();
  await anna.seeText('опишите товар');
  await anna.say('/language');
  await anna.press('language', (press) => press.kind === 'language' && press.language === 'en');
  await anna.seeText('I speak English now');
  await anna.seeText('describe the product');
});

test('Generate Again makes one order a tap, from the same photo and words', async () => {
  const anna = bot.customer(309);
  await anna.upToConfirmation('A blue cup');
  await anna.press('create');
  await anna.seeText('Order accepted');
  const first = await firstOrder(anna.chat);
  const outside = await takeOver(bot.database, first);
  await outside.accepted();
  await outside.succeeded();
  await outside.editing();
  await outside.shown();
  const ready = await anna.seeText('Your video is ready, it is above');
  const data = `g:${first}:1:1`;
  const taps = await Promise.all([anna.pressData(ready.message_id, data), anna.pressData(ready.message_id, data)]);
  expect(new Set(taps.map((tap) => tap.text))).toEqual(new Set(['Accepted!', 'This order is already accepted.']));
  const made = await ordersOf(anna.chat);
  expect(made).toMatchObject([{ order_id: first }, { repeats: first }]);
  const texts = await bot.rows(
    'select distinct product_text, photo_key from ledger.orders where chat_id = $1',
    [anna.chat],
    z.unknown(),
  );
  expect(texts).toHaveLength(1);

  // The button has its next turn now, which is another order; an older price only asks again.
  await waitFor(
    async () => {
      const message = (await anna.messages()).find((one) => one.message_id === ready.message_id);
      return message !== undefined && pressesOf(message).some((press) => press.kind === 'again' && press.turn === 2);
    },
    { what: 'the next turn on the button' },
  );
  await anna.pressData(ready.message_id, `g:${first}:2:1`);
  expect(await ordersOf(anna.chat)).toHaveLength(3);
  await anna.pressData(ready.message_id, `g:${first}:3:99`);
  await anna.seeText('Something has changed since that video');
  expect(await ordersOf(anna.chat)).toHaveLength(3);
});
