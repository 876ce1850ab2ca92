import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Press } from '../../src/telegram/button.ts';
import { type BotRig, pressesOf, startBotRig, wordsOf } from '../support/bot.ts';
import { takeOver } from '../support/placed-order.ts';
import { waitFor } from '../support/wait.ts';

const orderRow = z.object({ order_id: z.string(), message_id: z.coerce.number().nullable() });
const countOf = z.object({ count: z.coerce.number() });

/** One bot serves all these tests, each with customers of its own. */
let bot: BotRig;
beforeAll(async () => {
  bot = await startBotRig({ NEUROCARDS_DELIVERY_MIN_EXECUTIONS: '1', NEUROCARDS_DELIVERY_DEADLINE_SECONDS: '1' });
});
afterAll(() => bot.end());

const ordersOf = (chat: number) =>
  bot.rows('select order_id, message_id from ledger.orders where chat_id = $1 order by position', [chat], orderRow);
const count = (wanted: number) => (press: Press) => press.kind === 'count' && press.count === wanted;

/** A customer with a confirmed group of three, each with a progress message of its own. */
async function three(chat: number) {
  const customer = bot.customer(chat);
  await customer.upToConfirmation();
  await customer.press('count', count(3));
  await customer.seeText('Price: 3 credits');
  const tap = await customer.press('create');
  await waitFor(async () => (await ordersOf(chat)).every((order) => order.message_id !== null), {
    what: 'every order to have its message',
  });
  const orders = await ordersOf(chat);
  const outside = await Promise.all(orders.map((order) => takeOver(bot.database, order.order_id)));
  const [one, two, last] = outside;
  if (one === undefined || two === undefined || last === undefined) throw new Error(`${orders.length} orders`);
  const messageOf = async (position: number): Promise<string> => {
    const id = orders[position - 1]?.message_id;
    const found = (await customer.messages()).find((message) => message.message_id === id);
    return found === undefined ? '' : wordsOf(found);
  };
  const said = async (words: string): Promise<number> =>
    (await customer.messages()).filter((message) => wordsOf(message).includes(words)).length;
  return { customer, tap, orders, one, two, three: last, messageOf, said };
}

async function shown(outside: Awaited<ReturnType<typeof takeOver>>): Promise<void> {
  await outside.accepted();
  await outside.succeeded();
  await outside.editing();
  await outside.shown();
}

test('the count is chosen on the confirmation, and one tap places all orders, each with a message of its own', async () => {
  const { tap, orders, messageOf, customer } = await three(601);
  expect(tap).toMatchObject({ text: 'Accepted!', data: expect.stringMatching(/^c:[a-z2-7]{16}$/) });
  expect(orders[0]?.message_id).toBe(tap.messageId);
  expect(new Set(orders.map((order) => order.message_id)).size).toBe(3);
  for (const position of [1, 2, 3]) expect(await messageOf(position)).toContain(`Video ${position} of 3.`);
  const groups = await bot.rows(
    'select count, unit_price, total from ledger.order_groups join ledger.people using (user_id) where telegram_id = $1',
    [customer.chat],
    z.object({ count: z.number(), unit_price: z.coerce.number(), total: z.coerce.number() }),
  );
  expect(groups).toEqual([{ count: 3, unit_price: 1, total: 3 }]);
  const again = await customer.pressData(tap.messageId, tap.data);
  expect(again.text).toBe('This order is already accepted.');
  expect(await ordersOf(customer.chat)).toHaveLength(3);
});

test('the first video is announced, a failure is told in its own message, and one summary ends the group', async () => {
  const { customer, one, two, three: third, messageOf, said } = await three(602);
  await shown(two);
  await customer.seeText('Video 2 of 3. Your video is ready, it is above.');
  expect(await said('others are still being made')).toBe(1);
  await one.accepted();
  const before = (await customer.messages()).length;
  await one.failed('user-person');
  await waitFor(async () => (await messageOf(1)).includes('shows a person'), { what: 'the failure in its message' });
  expect(await messageOf(1)).toContain('Returned: 1 credit.');
  expect(await customer.messages()).toHaveLength(before);
  await shown(third);
  const summary = await customer.seeText('All done: 2 of 3 videos are ready, above.');
  expect(wordsOf(summary)).toContain('Returned: 1 credit. Charged: 2 credits. Your balance: 1 credit.');
  expect(wordsOf(summary)).toContain('shows a person');
  expect(pressesOf(summary).map((press) => press.kind)).toEqual(['again', 'new']);
  expect(await customer.messages()).toHaveLength(before + 1);
  expect(await bot.rows('select * from ledger.violations', [], z.unknown())).toEqual([]);
});

test('a group of which nothing came says why, and asks for another photo where the photo is to blame', async () => {
  const { customer, one, two, three: third } = await three(603);
  for (const outside of [one, two, third]) {
    await outside.accepted();
    await outside.failed('user-person');
  }
  const summary = await customer.seeText('All done: 0 of 3 videos are ready');
  expect(wordsOf(summary).match(/shows a person/g)).toHaveLength(1);
  expect(wordsOf(summary)).toContain('Returned: 3 credits. Your balance: 3 credits.');
  expect(pressesOf(summary).map((press) => press.kind)).toEqual(['new']);
});

test('a summary whose fate nobody knows is said in the message of an order that failed', async () => {
  const { one, two, three: third, messageOf, said } = await three(604);
  await shown(one);
  await shown(two);
  await waitFor(async () => (await said('it is above')) === 1, { what: 'the first video to be announced' });
  await third.accepted();
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: 'drop', times: 1, chat: 604 });
  await third.failed('user-policy');
  await expect.poll(() => messageOf(3), { timeout: 10_000 }).toContain('All done: 2 of 3');
  expect(await said('All done: 2 of 3')).toBe(1);
});

test('the button of an unconfirmed video of a group is a message of its own', async () => {
  const { customer, one, two, three: third } = await three(605);
  await shown(one);
  await shown(two);
  await third.accepted();
  await third.succeeded();
  await third.editing();
  await third.unconfirmed();
  const told = await customer.seeText('Telegram did not confirm it');
  expect(pressesOf(told).map((press) => press.kind)).toEqual(['show']);
  const summary = await customer.seeText('All done: 2 of 3');
  expect(wordsOf(summary)).toContain('not surely in this chat yet: 1 video');
  expect(wordsOf(summary)).toContain('Charged: 3 credits');
});

test('one of a group is cancelled with the button of its own message, and the others go on', async () => {
  const { customer, orders, messageOf } = await three(606);
  const second = orders[1];
  if (second === undefined) throw new Error('no second order');
  expect((await customer.pressData(second.message_id ?? 0, `x:${second.order_id}`)).text).toBe(
    'The order is cancelled.',
  );
  await waitFor(async () => (await messageOf(2)).includes('The order is cancelled.'), { what: 'the cancelled one' });
  const open = await bot.rows(
    `select count(*) from ledger.holds join ledger.orders using (order_id) where chat_id = 606 and state = 'held'`,
    [],
    countOf,
  );
  expect(open).toEqual([{ count: 2 }]);
});

test('a progress message whose answer was lost is made anew, and delivery has one message to turn into the video', async () => {
  const customer = bot.customer(607);
  await customer.upToConfirmation();
  await customer.press('count', count(3));
  await customer.seeText('Price: 3 credits');
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: 'process-then-drop', times: 1, chat: 607 });
  await customer.press('create');
  await waitFor(async () => (await ordersOf(607)).filter((order) => order.message_id !== null).length === 2, {
    what: 'the first and the third to have their message',
  });
  const unlucky = (await ordersOf(607))[1];
  const outside = await takeOver(bot.database, unlucky?.order_id ?? '');
  await outside.accepted();
  await waitFor(async () => (await ordersOf(607))[1]?.message_id !== null, { what: 'the second to have one, too' });
  await customer.seeText('Video 2 of 3. Making the video');
});

test('an order of a group that failed before it had a message is told of in one that is sent for it', async () => {
  const customer = bot.customer(610);
  await customer.upToConfirmation();
  await customer.press('count', count(3));
  await customer.seeText('Price: 3 credits');
  const lose = (times: number) =>
    bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: 'drop', times, chat: 610 });
  await lose(1);
  await customer.press('create');
  await waitFor(async () => (await ordersOf(610)).filter((order) => order.message_id !== null).length === 2, {
    what: 'the first and the third to have their message',
  });
  await lose(100);
  const unlucky = (await ordersOf(610))[1]?.order_id ?? '';
  const outside = await takeOver(bot.database, unlucky);
  await outside.accepted();
  const open = () =>
    bot.rows('select count(*) from ledger.notices where order_id = $1 and ended_at is null', [unlucky], countOf);
  await waitFor(async () => (await open())[0]?.count === 0, { what: 'its progress to be lost, too' });
  await bot.telegram.dev('DELETE', 'faults');
  await outside.failed('user-person');
  const told = await customer.seeText('Video 2 of 3. ');
  expect(wordsOf(told)).toContain('shows a person');
  expect(wordsOf(told)).toContain('Returned: 1 credit.');
  await waitFor(async () => (await ordersOf(610))[1]?.message_id === told.message_id, { what: 'it to be its message' });
});

test('another person’s count button, a count that nobody offers and too few credits change and place nothing', async () => {
  const [anna, boris] = [bot.customer(608), bot.customer(609)];
  await anna.upToConfirmation();
  await boris.upToConfirmation();
  const hers = await anna.seeButton('create');
  const press = pressesOf(hers).find((one) => one.kind === 'create');
  const nonce = press?.kind === 'create' ? press.nonce : '';
  const at = (await boris.seeButton('create')).message_id;
  expect((await boris.pressData(at, `k:${nonce}:5`)).text).toBe('This button is not yours.');
  for (const made of [`k:${nonce}:2`, `k:${nonce}:0`, `k:${nonce}:10`, `c:${nonce}:3`]) {
    expect((await anna.pressData(hers.message_id, made)).text, made).toContain('out of date');
  }
  await anna.pressData(hers.message_id, `k:${nonce}:5`);
  const refused = await anna.seeText('These 5 videos cost 5 credits, and you have 3 credits');
  expect(pressesOf(refused).map((one) => one.kind)).toEqual(['count', 'count', 'count', 'check', 'discard']);
  // What was asked for one video is not asked any more. The button for five is not there, but somebody may make its data.
  expect((await anna.pressData(hers.message_id, `c:${nonce}`)).text).toContain('out of date');
  const [five] = pressesOf(refused).flatMap((one) => ('nonce' in one ? [one.nonce] : []));
  await anna.pressData(hers.message_id, `c:${five}`);
  await waitFor(
    async () => {
      const screen = (await anna.messages()).find((one) => one.message_id === hers.message_id);
      return screen !== undefined && pressesOf(screen).some((one) => 'nonce' in one && one.nonce !== five);
    },
    { what: 'a fresh nonce on the screen' },
  );
  expect(await ordersOf(608)).toEqual([]);
  expect((await anna.pressData(hers.message_id, `c:${five}`)).text).toContain('out of date');
  await anna.press('count', count(3));
  await anna.press('create');
  await anna.seeText('Video 1 of 3. Order accepted');
  expect(await ordersOf(608)).toHaveLength(3);
});
