import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type BotRig, pressesOf, startBotRig } from '../support/bot.ts';
import { takeOver } from '../support/placed-order.ts';
import type { SeenMessage } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

const orderRow = z.object({ order_id: z.string() });

/** One bot serves all these tests, each with customers of its own. */
let bot: BotRig;
beforeAll(async () => {
  // One delivery that ends without an answer is enough to be over.
  bot = await startBotRig({
    NEUROCARDS_DELIVERY_MIN_EXECUTIONS: '1',
    NEUROCARDS_DELIVERY_DEADLINE_SECONDS: '1',
  });
});
afterAll(() => bot.end());

async function placed(chat: number) {
  const customer = bot.customer(chat);
  await customer.upToConfirmation();
  const tap = await customer.press('create');
  await customer.seeText('Order accepted');
  const [order] = await bot.rows(
    'select order_id from ledger.orders where chat_id = $1 order by placed_at desc limit 1',
    [chat],
    orderRow,
  );
  if (order === undefined) throw new Error('no order was placed');
  return { customer, order: order.order_id, progressId: tap.messageId };
}

test('one message shows the progress, and the end is a new short message with what to do next', async () => {
  const { customer, order, progressId } = await placed(501);
  const before = (await customer.messages()).length;
  const outside = await takeOver(bot.database, order);
  expect((await customer.seeText('Preparing')).message_id).toBe(progressId);
  await outside.accepted();
  expect((await customer.seeText('Making the video')).message_id).toBe(progressId);
  // The minutes are counted in the same message.
  await bot.rows(
    `update ledger.notices set written_at = written_at - interval '60 seconds' where order_id = $1 returning 1 as one`,
    [order],
    z.unknown(),
  );
  await outside.minutesLater(3);
  expect((await customer.seeText('3 minutes so far')).message_id).toBe(progressId);
  expect(await customer.messages()).toHaveLength(before);
  await outside.succeeded();
  await outside.editing();
  await outside.shown();
  const ready = await customer.seeText('Your video is ready, it is above');
  expect(ready.text).toContain('Charged: 1 credit. Your balance: 2 credits.');
  expect(pressesOf(ready).map((press) => press.kind)).toEqual(['again', 'new']);
});

test('a photo with a person in it is refused in words, with the credits back and another photo asked for', async () => {
  const { customer, order, progressId } = await placed(502);
  const outside = await takeOver(bot.database, order);
  await outside.accepted();
  await customer.seeText('Making the video');
  await outside.failed('user-person');
  const told = await customer.seeText('because it shows a person');
  await waitFor(async () => (await customer.messages()).at(-1)?.text?.includes('Returned: 1 credit') === true, {
    what: 'the refund to be told',
  });
  const last = (await customer.messages()).at(-1);
  expect(last?.text).toContain('Your balance: 3 credits');
  expect(last?.text).toContain('Send a photo of the product alone');
  expect(last === undefined ? [] : pressesOf(last).map((press) => press.kind)).toEqual(['new']);
  const progress = (await customer.messages()).find((one) => one.message_id === progressId);
  expect(progress?.text).toContain('shows a person');
  expect(told.message_id).toBeGreaterThanOrEqual(progressId);
});

test('a fault of ours is called ours, and the same order can be tried again', async () => {
  const { customer, order } = await placed(503);
  const outside = await takeOver(bot.database, order);
  await outside.accepted();
  await outside.failed('provider-internal');
  await outside.deleted();
  const told = await customer.seeText('Returned: 1 credit');
  expect(pressesOf(told).map((press) => press.kind)).toEqual(['again', 'new']);
  expect(told.text).not.toContain('person');
  await customer.press('again');
  await waitFor(
    async () => {
      const orders = await bot.rows('select order_id from ledger.orders where chat_id = 503', [], orderRow);
      return orders.length === 2;
    },
    { what: 'the second order' },
  );
});

test('trouble of Telegram with notices: later when it says so, once when nobody knows, and to who has left when they are back', async () => {
  const { customer, order } = await placed(504);
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: '429', times: 1, retry_after: 1 });
  const outside = await takeOver(bot.database, order);
  await outside.accepted();
  await outside.failed('user-policy');
  await customer.seeText('Returned: 1 credit');

  // Processed, but the answer is lost: it is not sent again.
  const second = await placed(505);
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: 'process-then-drop', times: 1 });
  const other = await takeOver(bot.database, second.order);
  await other.accepted();
  await other.failed('user-policy');
  const ended = z.object({ ending: z.string().nullable() });
  const endings = (of: string) =>
    bot.rows(
      `select ending from ledger.notices where order_id = $1 and kind = 'failed' and ended_at is not null`,
      [of],
      ended,
    );
  await waitFor(async () => (await endings(second.order)).length === 1, { what: 'the notice to end' });
  expect(await endings(second.order)).toEqual([{ ending: 'unknown' }]);
  // One new message, and the progress message, which says the same however often it is said.
  const told = (await second.customer.messages()).filter((one) => one.text?.includes('Returned: 1 credit') === true);
  expect(told).toHaveLength(2);
  expect(told.filter((one) => one.message_id === second.progressId)).toHaveLength(1);

  const third = await placed(506);
  await bot.telegram.dev('PATCH', 'chats/506', { blocked: true });
  const gone = await takeOver(bot.database, third.order);
  await gone.accepted();
  await gone.failed('user-policy');
  await waitFor(async () => (await endings(third.order)).length === 1, { what: 'the notice to end' });
  expect(await endings(third.order)).toEqual([{ ending: 'unreachable' }]);

  // Whoever comes back learns what became of it, once.
  await bot.telegram.dev('PATCH', 'chats/506', { blocked: false });
  await third.customer.say('/start');
  await third.customer.seeText('Returned: 1 credit');
  await waitFor(async () => (await endings(third.order))[0]?.ending === 'sent', { what: 'the notice to be told' });
  await third.customer.say('/balance');
  await third.customer.seeText('Your balance');
  const returned = (await third.customer.messages()).filter((one) => one.text?.includes('Returned: 1 credit') === true);
  expect(returned).toHaveLength(1);
});

test('an unconfirmed video is sent again by its button, free and into the same message', async () => {
  const { customer, order, progressId } = await placed(507);
  await keepVideo(order);
  const outside = await takeOver(bot.database, order);
  await outside.accepted();
  await outside.succeeded(`${order}/video.mp4`);
  await outside.editing();
  await outside.unconfirmed();
  await customer.seeText('Telegram did not confirm it');
  const tap = await customer.press('show');
  expect(tap.text).toContain('Sending it again');
  const shown = await customer.see('the video', isMedia);
  expect(shown.message_id).toBe(progressId);
  expect(pressesOf(shown).map((press) => press.kind)).toEqual(['again']);
  expect((await customer.pressData(tap.messageId, tap.data)).text).toBe('The video is already in this chat.');
});

test('a video whose order was deleted after it was stored is shown by the bot itself', async () => {
  const { customer, order, progressId } = await placed(508);
  await keepVideo(order);
  const outside = await takeOver(bot.database, order);
  await outside.accepted();
  await outside.succeeded(`${order}/video.mp4`);
  await outside.deleted();
  const shown = await customer.see('the video', isMedia);
  expect(shown.message_id).toBe(progressId);
  await customer.seeText('Your video is ready, it is above');
});

/** Bytes that do not play are a file to Telegram; whether they play is not our matter here. */
const isMedia = (one: SeenMessage): boolean => one.video !== undefined || one.document !== undefined;

async function keepVideo(order: string): Promise<void> {
  await mkdir(join(bot.storage, order), { recursive: true });
  await writeFile(join(bot.storage, order, 'video.mp4'), Buffer.from('AAAAGGZ0eXBpc29tAAACAGlzb21pc28y', 'base64'));
}
