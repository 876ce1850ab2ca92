import sharp from 'sharp';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type BotRig, startBotRig } from '../support/bot.ts';
import { samplePhoto } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

const anyRow = z.object({ nonce: z.string(), state: z.string(), product_text: z.string().nullable() });
const openDrafts = (bot: BotRig) =>
  bot.rows('select nonce, state, product_text from bot.drafts where closed is null', [], anyRow);

test('whatever is sent instead of a good photo is answered kindly, and nothing is lost', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(201);
  const upload = (bytes: Uint8Array, name: string, fields = {}) =>
    bot.telegram.upload(anna.chat, 'document', bytes, name, fields);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Welcome');

  await upload(Buffer.from('just words'), 'price-list.txt');
  await anna.seeText('not a picture I can use');
  await upload(Buffer.from('words that call themselves a picture'), 'cup.jpg');
  await anna.seeText('not a picture I can use');
  await upload(Buffer.alloc(11 * 1024 * 1024, 7), 'huge.jpg');
  await anna.seeText('This file is too large');
  const whole = await samplePhoto('coffee-cup.jpg');
  await upload(Buffer.concat([whole.subarray(0, 4_000), Buffer.alloc(8_000)]), 'broken.jpg');
  await anna.seeText('damaged');
  const tiny = await sharp({ create: { width: 120, height: 120, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  await upload(tiny, 'tiny.jpg');
  await anna.seeText('too small');
  expect(await openDrafts(bot)).toEqual([]);

  // And a good one afterwards goes on as if nothing had been.
  await upload(whole, 'cup.jpg');
  await anna.seeText('The photo is good');
  expect(await openDrafts(bot)).toMatchObject([{ state: 'text' }]);
});

test('texts that do not fit are named with their limit, and the tail of a split one is not taken for an answer', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(202);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Welcome');
  await anna.say('A cup');
  await anna.seeText('send a photo of your product');
  await anna.sendPhoto();
  await anna.seeText('The photo is good');

  // Telegram makes two messages of 4,097 characters.
  await anna.say('x'.repeat(4_096));
  await anna.say('x');
  await anna.seeText('That is 4096 characters, and I can take up to 3000');
  expect(await openDrafts(bot)).toMatchObject([{ state: 'text', product_text: null }]);
  await bot.telegram.upload(anna.chat, 'document', Buffer.from('words'), 'words.txt');
  await anna.seeText('not a picture');
  expect(await openDrafts(bot)).toMatchObject([{ state: 'text', product_text: null }]);

  const sentAt = (await anna.messages()).findLast((one) => one.from === 'user')?.date ?? 0;
  await waitFor(() => Math.floor(Date.now() / 1000) > sentAt + 2, {
    what: 'the time in which a tail may come to pass',
  });
  await anna.say('A cup & a <saucer>');
  await anna.seeButton('template');
  await anna.say('what now?');
  await anna.seeText('choose the kind of video');
  await anna.press('template', (press) => press.kind === 'template' && press.template === 'self');
  await anna.seeText('Write your prompt');
  await anna.say('The cup turns slowly. 1 < 2 & "so" on');
  const confirmation = await anna.seeText('Ready to create');
  expect(confirmation.text).toContain('Prompt: The cup turns slowly. 1 < 2 & "so" on');
  await anna.say('well?');
  await anna.seeText('Everything is ready');
  await anna.say('/nonsense');
  await anna.seeText('I do not know this command');
});

test('a caption is the product text, and of an album only the first photo is taken', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(203);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Welcome');
  await anna.sendPhoto('coffee-cup.jpg', { caption: 'A cup from a caption' });
  await anna.seeButton('template');
  expect(await openDrafts(bot)).toMatchObject([{ state: 'template', product_text: 'A cup from a caption' }]);

  await bot.rows(`update bot.drafts set album = 'album-1' where closed is null returning 1 as one`, [], z.unknown());
  const photo = (await anna.messages()).findLast((one) => one.photo !== undefined)?.photo?.file_id ?? '';
  for (const id of [900_001, 900_002]) {
    const message = {
      message_id: id,
      date: 1,
      chat: { id: anna.chat, type: 'private' },
      from: { id: anna.chat, language_code: 'en' },
      media_group_id: 'album-1',
      photo: [{ file_id: photo, width: 800, height: 600 }],
    };
    await bot.rows(
      'insert into bot.inbox (update_id, chat_id, body) values ($1, $2, $3) returning 1 as one',
      [id, anna.chat, JSON.stringify({ update_id: id, message })],
      z.unknown(),
    );
  }
  await anna.seeText('I took the first one of the album');
  await anna.say('/balance');
  await anna.seeText('Your balance');
  const hints = (await anna.messages()).filter((one) => one.text?.includes('first one of the album') === true);
  expect(hints).toHaveLength(1);
  expect(await openDrafts(bot)).toHaveLength(1);
});
