import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type BotRig, pressesOf, startBotRig } from '../support/bot.ts';
import { takeOver } from '../support/placed-order.ts';
import { waitFor } from '../support/wait.ts';

const orderRow = z.object({ order_id: z.string(), credits: z.coerce.number(), repeats: z.string().nullable() });

/** One bot serves all these tests, each with customers of its own. */
let bot: BotRig;
beforeAll(async () => {
  bot = await startBotRig();
});
afterAll(() => bot.end());
afterEach(() => settings('unit_price = 1, accepting_orders = true, open_order_limit = 5'));

const settings = (changes: string) =>
  bot.rows(`update ledger.settings set ${changes} returning 1 as one`, [], z.unknown());
const ordersOf = (chat: number) =>
  bot.rows(
    'select order_id, credits, repeats from ledger.orders where chat_id = $1 order by placed_at',
    [chat],
    orderRow,
  );

/** Changes what an order was made as. Rules are off for the moment: no statement of the product can do this. */
async function rewrite(order: string, changes: string): Promise<void> {
  await bot.rows(`set session_replication_role = 'replica'`, [], z.unknown());
  await bot.rows(`update ledger.orders set ${changes} where order_id = $1`, [order], z.unknown());
  await bot.rows(`set session_replication_role = 'origin'`, [], z.unknown());
}

/** A customer with one delivered video, and the message with its "Generate again". */
async function delivered(chat: number) {
  const customer = bot.customer(chat);
  await customer.upToConfirmation('A blue cup');
  await customer.press('create');
  await customer.seeText('Order accepted');
  const [order] = await ordersOf(chat);
  if (order === undefined) throw new Error('no order was placed');
  const outside = await takeOver(bot.database, order.order_id);
  await outside.accepted();
  await outside.succeeded();
  await outside.editing();
  await outside.shown();
  const ready = await customer.seeText('Your video is ready, it is above');
  return { customer, order: order.order_id, at: ready.message_id };
}

const screensOf = async (chat: number, words: string): Promise<number> =>
  (await bot.customer(chat).messages()).filter((one) => one.text?.includes(words) === true).length;

describe('nothing is ordered, and the new confirmation is shown, when', () => {
  const changed = 'Something has changed since that video';

  test('the price is another one than the button prints', async () => {
    const { customer, order, at } = await delivered(701);
    await settings('unit_price = 2');
    await customer.pressData(at, `g:${order}:1:1`);
    const screen = await customer.seeText(changed);
    expect(screen.text).toContain('Price: 2 credits');
    expect(await ordersOf(701)).toHaveLength(1);
    await customer.press('create');
    await customer.seeText('Order accepted');
    expect(await ordersOf(701)).toMatchObject([{ credits: 1 }, { credits: 2, repeats: order }]);
  });

  test.each([
    ['videos are made by another model', 702, `model = 'an/older-model'`],
    ['videos have another length', 703, 'seconds = seconds + 5'],
    ['videos have another shape', 704, `aspect_ratio = '1:1'`],
    ['videos have sound, and had none', 705, 'audio = not audio'],
    ['the order is older than a day', 706, `placed_at = placed_at - interval '24 hours 1 minute'`],
  ])('%s', async (_why, chat, changes) => {
    const { customer, order, at } = await delivered(chat);
    await rewrite(order, changes);
    await customer.pressData(at, `g:${order}:1:1`);
    await customer.seeText(changed);
    expect(await ordersOf(chat)).toHaveLength(1);
    await customer.press('create');
    await customer.seeText('Order accepted');
    expect(await ordersOf(chat)).toMatchObject([{}, { repeats: order }]);
  });

  test('the price on the button was never ours', async () => {
    const { customer, order, at } = await delivered(707);
    for (const [turn, price] of [
      [1, 0],
      [2, 9_999_999],
    ]) {
      await customer.pressData(at, `g:${order}:${turn}:${price}`);
    }
    await customer.seeText('Price: 1 credit.');
    expect(await ordersOf(707)).toHaveLength(1);
  });

  test('it was tapped twice: there is one screen, and the button prints the price of now', async () => {
    const { customer, order, at } = await delivered(708);
    await settings('unit_price = 2');
    const data = `g:${order}:1:1`;
    const taps = await Promise.all([customer.pressData(at, data), customer.pressData(at, data)]);
    expect(taps.map((tap) => tap.text ?? '').sort()).toEqual(['', expect.stringContaining('out of date')]);
    expect(await screensOf(708, changed)).toBe(1);
    await waitFor(
      async () => {
        const ready = (await customer.messages()).find((one) => one.message_id === at);
        const [press] = ready === undefined ? [] : pressesOf(ready);
        return press?.kind === 'again' && press.turn === 2 && press.price === 2;
      },
      { what: 'the next turn at the new price' },
    );
    await customer.pressData(at, `g:${order}:2:2`);
    expect(await ordersOf(708)).toMatchObject([{ credits: 1 }, { credits: 2, repeats: order }]);
  });
});

test('another person’s order cannot be repeated, nor seen', async () => {
  const { order } = await delivered(709);
  const boris = bot.customer(710);
  await boris.upToConfirmation();
  const before = (await boris.messages()).length;
  const at = (await boris.seeButton('create')).message_id;
  for (const turn of [1, 2]) {
    expect((await boris.pressData(at, `g:${order}:${turn}:1`)).text).toBe('This button is not yours.');
  }
  expect(await boris.messages()).toHaveLength(before);
  expect(await ordersOf(710)).toEqual([]);
  expect(await ordersOf(709)).toHaveLength(1);
});

test('a refused tap stays refused, and its screen has a button of its own that may succeed', async () => {
  const { customer, order, at } = await delivered(711);
  await settings('accepting_orders = false');
  await customer.pressData(at, `g:${order}:1:1`);
  await customer.seeText('not taking new orders');
  await settings('accepting_orders = true');
  expect((await customer.pressData(at, `g:${order}:1:1`)).text).toContain('out of date');
  expect(await ordersOf(711)).toHaveLength(1);
  const tap = await customer.press('create');
  expect(tap.data).toMatch(/^c:[a-z2-7]{16}$/);
  await customer.seeText('Order accepted');
  expect(await ordersOf(711)).toHaveLength(2);
});

test('without credits for it the tap shows how to get some, and the order waits there', async () => {
  const { customer, order, at } = await delivered(712);
  await settings('unit_price = 3');
  await customer.pressData(at, `g:${order}:1:3`);
  await customer.seeText('This video costs 3 credits, and you have 2 credits');
  await settings('unit_price = 2');
  await customer.press('check');
  await customer.press('create');
  await waitFor(async () => (await ordersOf(712)).length === 2, { what: 'the second order' });
});
