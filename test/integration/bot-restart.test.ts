import { expect, test } from 'vitest';
import { z } from 'zod';
import { startBotRig } from '../support/bot.ts';
import { waitFor } from '../support/wait.ts';

const count = z.object({ count: z.coerce.number() });

test('killed in the middle of a dialog, the bot goes on with the next answer', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(401);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Send a photo of your product');
  await anna.sendPhoto();
  await anna.seeText('describe the product');
  await bot.kill();
  await anna.say('A cup that was described while nobody listened');
  await bot.start();
  await anna.seeButton('template');
  await bot.kill();
  await bot.start();
  await anna.press('template', (press) => press.kind === 'template' && press.template === 'ugc');
  await bot.kill();
  await bot.start();
  await anna.press('skip');
  const confirmation = await anna.seeText('Ready to create');
  expect(confirmation.text).toContain('described while nobody listened');
});

test('killed between taking an update in and handling it, nothing is lost and nothing is done twice', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(402);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Send a photo of your product');
  // The update is confirmed to Telegram, and its handling hangs at the named effect when the kill comes.
  await bot.telegram.dev('POST', 'faults', { method: 'getFile', fault: 'hang', times: 1, seconds: 60 });
  await anna.sendPhoto();
  await waitFor(async () => (await bot.telegram.journal('?method=getFile')).length > 0, {
    what: 'the photo being fetched',
  });
  const [stored] = await bot.rows('select count(*) from bot.inbox where done_at is null', [], count);
  expect(stored?.count).toBe(1);
  await bot.kill();
  await bot.telegram.dev('DELETE', 'faults');
  await bot.start();
  await anna.seeText('The photo is good');
  const drafts = await bot.rows('select count(*) from bot.drafts', [], count);
  expect(drafts[0]?.count).toBe(1);
});

test('killed between placing an order and saying so, the order is there once and the person hears of it', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(403);
  await anna.upToConfirmation();
  await bot.telegram.dev('POST', 'faults', { method: 'editMessageText', fault: 'hang', times: 5, seconds: 60 });
  const create = await anna.press('create');
  expect(create.answered).toBe(true);
  await bot.kill();
  await bot.telegram.dev('DELETE', 'faults');
  // Telegram repeats what it believes not to be confirmed.
  await bot.telegram.dev('POST', 'faults', { method: 'getUpdates', fault: 'redeliver', times: 1 });
  await bot.start();
  // The minute for which the dead bot had taken the notice passes.
  await bot.rows('update ledger.notices set lease_until = clock_timestamp() returning 1 as one', [], z.unknown());
  await anna.seeText('Order accepted');
  const orders = await bot.rows('select count(*) from ledger.orders', [], count);
  expect(orders[0]?.count).toBe(1);
});

test('asked to stop, the bot ends with 0 and another one receives at once', async () => {
  const bot = await startBotRig({ NEUROCARDS_RECEIVER_LEASE_SECONDS: '120' });
  const anna = bot.customer(404);
  await anna.say('/help');
  await anna.seeText('@a_human');
  expect(await bot.stop()).toEqual({ code: 0 });
  await bot.start();
  await anna.say('/terms');
  await anna.seeText('Terms in plain words');
});

test('trouble of Telegram is survived: no update and no answer is lost', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(405);
  for (const fault of ['500', '502-html', 'drop', '429']) {
    await bot.telegram.dev('POST', 'faults', { method: 'getUpdates', fault, times: 1, retry_after: 1 });
  }
  await anna.say('/help');
  await anna.seeText('@a_human');
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: '429', times: 1, retry_after: 1 });
  await bot.telegram.dev('POST', 'faults', { method: 'sendMessage', fault: 'drop', times: 1 });
  await anna.say('/privacy');
  await anna.seeText('Privacy in plain words');
  // Another poller of the same token.
  await bot.telegram.call('getUpdates', { timeout: 0 });
  await anna.say('/terms');
  await anna.seeText('Terms in plain words');
});

test('an update that fails three times is put aside with an apology, and the chat goes on', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(406);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Send a photo of your product');
  await bot.rows(`alter table bot.drafts add constraint broken check (photo_key = '')`, [], z.unknown());
  await anna.sendPhoto();
  await anna.seeText('Something went wrong on our side');
  await bot.rows('alter table bot.drafts drop constraint broken', [], z.unknown());
  await anna.sendPhoto();
  await anna.seeText('The photo is good');
  const put = await bot.rows(`select count(*) from bot.inbox where outcome = 'quarantined'`, [], count);
  expect(put[0]?.count).toBe(1);
  const metrics = await (await fetch(`${bot.url()}/metrics`)).text();
  expect(metrics).toContain('neurocards_telegram_updates_total{result="failed"} 1');
  // Neither the token nor what was said is in the log.
  const log = bot.lines.join('\n');
  expect(log).not.toContain('stand-in-token');
  expect(log).toContain('put aside');
});

test('two replicas share the work: one receives, both are ready, and when one dies the other takes over', async () => {
  const bot = await startBotRig();
  const second = await bot.another();
  const anna = bot.customer(407);
  for (const url of [bot.url(), second.url()]) {
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { what: `${url} to be ready` });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  }
  await anna.say('/help');
  await anna.seeText('@a_human');
  await bot.kill();
  await anna.say('/terms');
  await anna.seeText('Terms in plain words');
});
