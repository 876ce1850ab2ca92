import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Api, GrammyError, HttpError, InputFile } from 'grammy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Rig } from '../support/telegram.ts';
import { samplePhoto, startRig, TOKEN } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

const message = z.looseObject({
  message_id: z.number(),
  text: z.string().optional(),
  entities: z.unknown().optional(),
});
const updates = z.array(z.looseObject({ update_id: z.number() }));
const keyboard = (data: string) => ({ inline_keyboard: [[{ text: 'Press', callback_data: data }]] });

const aNumber: unknown = expect.any(Number);

let rig: Rig;
let nextChat = 1000;
let film: Buffer;

beforeAll(async () => {
  rig = await startRig();
  film = await readFile(new URL('../fixtures/film.mp4', import.meta.url));
});
afterAll(() => rig.erase());

/** A chat of a person who has just written. */
async function newChat(): Promise<number> {
  nextChat += 1;
  await rig.say(nextChat, '/start');
  return nextChat;
}

const send = (chat: number, text: string, more: object = {}) =>
  rig.done('sendMessage', { chat_id: chat, text, ...more }, message);

/** Forgets all updates so far, so that a test sees its own. */
async function confirmAll(): Promise<void> {
  const last = await rig.done('getUpdates', { offset: -1 }, updates);
  await rig.done('getUpdates', { offset: (last.at(-1)?.update_id ?? 0) + 1 }, updates);
}

async function refusal(method: string, body: object) {
  const { status, error_code, description } = await rig.call(method, body);
  expect(error_code).toBe(status);
  return `${status} ${description}`;
}

describe('requests', () => {
  test('a wrong token is answered 401 and an unknown method 404', async () => {
    expect(await rig.call('getMe', {}, '1:wrong')).toMatchObject({ status: 401, description: 'Unauthorized' });
    expect(await refusal('launchRocket', {})).toBe('404 Not Found: method not found');
  });

  test('JSON, urlencoded, multipart and query string mean the same', async () => {
    const chat = await newChat();
    const url = `${rig.url}/bot${TOKEN}/sendMessage`;
    const form = new FormData();
    form.set('chat_id', String(chat));
    form.set('text', 'same');
    const answers = await Promise.all([
      fetch(url, { method: 'POST', body: new URLSearchParams({ chat_id: String(chat), text: 'same' }) }),
      fetch(url, { method: 'POST', body: form }),
      fetch(`${url}?chat_id=${chat}&text=same`),
    ]);
    for (const answer of answers) expect(answer.status).toBe(200);
    await send(chat, 'same');
    const texts = (await rig.chat(chat)).messages.map((each) => each.text);
    expect(texts).toEqual(['/start', 'same', 'same', 'same', 'same']);
  });

  test('getMe names the bot by the number in its token', async () => {
    expect(await rig.done('getMe', {}, z.looseObject({ id: z.number() }))).toMatchObject({ id: 4200, is_bot: true });
  });

  test('an upload above 50 MB is answered 413', async () => {
    const chat = await newChat();
    const form = new FormData();
    form.set('chat_id', String(chat));
    form.set('document', new Blob([new Uint8Array(50 * 1024 * 1024 + 1)]), 'big.bin');
    const answer = await fetch(`${rig.url}/bot${TOKEN}/sendDocument`, { method: 'POST', body: form });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ ok: false, error_code: 413, description: 'Request Entity Too Large' });
  });

  test('a multipart body that cannot be read is answered with a clear 400', async () => {
    const answer = await fetch(`${rig.url}/bot${TOKEN}/sendMessage`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nbroken',
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('multipart');
  });
});

describe('texts', () => {
  test('HTML becomes text and entities, with offsets in UTF-16 units', async () => {
    const chat = await newChat();
    const sent = await send(chat, '<b>Привет 😀 <i>мир</i></b> &lt;3 <a href="https://a.example/?b=1&amp;c=2">x</a>', {
      parse_mode: 'HTML',
    });
    expect(sent.text).toBe('Привет 😀 мир <3 x');
    expect(sent.entities).toEqual([
      { type: 'bold', offset: 0, length: 13 },
      { type: 'italic', offset: 10, length: 3 },
      { type: 'text_link', offset: 17, length: 1, url: 'https://a.example/?b=1&c=2' },
    ]);
  });

  test.each([
    ['<b>a', 'Can\'t find end tag corresponding to start tag "b"'],
    ['<b>a</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ['a</b>', 'Unexpected end tag at byte offset 1'],
    ['я<h1>a</h1>', 'Unsupported start tag "h1" at byte offset 2'],
    ['1 < 2', 'Unsupported start tag "" at byte offset 2'],
    ['1 <2', 'Unclosed start tag at byte offset 2'],
  ])('broken HTML %j is refused as Telegram refuses it', async (text, why) => {
    const chat = await newChat();
    expect(await refusal('sendMessage', { chat_id: chat, text, parse_mode: 'HTML' })).toBe(
      `400 Bad Request: can't parse entities: ${why}`,
    );
  });

  test('length and emptiness are checked in Telegram’s words, after the tags are gone', async () => {
    const chat = await newChat();
    const { message_id } = await send(chat, 'x');
    const long = 'a'.repeat(4097);
    const to = { chat_id: chat };
    expect(await refusal('sendMessage', { ...to, text: long })).toBe('400 Bad Request: message is too long');
    expect(await refusal('editMessageText', { ...to, message_id, text: long })).toBe(
      '400 Bad Request: MESSAGE_TOO_LONG',
    );
    expect(await refusal('sendMessage', { ...to, text: '' })).toBe('400 Bad Request: message text is empty');
    expect(await refusal('sendMessage', { ...to, text: ' \n' })).toBe('400 Bad Request: text must be non-empty');
    await send(chat, `<b>${'a'.repeat(4096)}</b>`, { parse_mode: 'HTML' });
  });

  test('callback data holds 1 to 64 bytes', async () => {
    const chat = await newChat();
    const to = { chat_id: chat, text: 'x' };
    await send(chat, 'x', { reply_markup: keyboard('я'.repeat(32)) });
    expect(await refusal('sendMessage', { ...to, reply_markup: keyboard('я'.repeat(33)) })).toBe(
      '400 Bad Request: BUTTON_DATA_INVALID',
    );
    expect(await refusal('sendMessage', { ...to, reply_markup: keyboard('') })).toBe(
      "400 Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    );
  });

  test('nobody is written to who did not write first, and nobody who blocked the bot', async () => {
    expect(await refusal('sendMessage', { chat_id: 31_337, text: 'x' })).toBe('400 Bad Request: chat not found');
    expect(await refusal('sendMessage', { text: 'x' })).toBe('400 Bad Request: chat_id is empty');
    const chat = await newChat();
    const { message_id } = await send(chat, 'before');
    await rig.dev('PATCH', `chats/${chat}`, { blocked: true });
    const blocked = '403 Forbidden: bot was blocked by the user';
    expect(await refusal('sendMessage', { chat_id: chat, text: 'x' })).toBe(blocked);
    expect(await refusal('editMessageText', { chat_id: chat, message_id, text: 'x' })).toBe(blocked);
    expect(await refusal('sendChatAction', { chat_id: chat, action: 'typing' })).toBe(blocked);
  });
});

describe('edits', () => {
  test('an edit shows the new text, drops an omitted keyboard and is marked', async () => {
    const chat = await newChat();
    const { message_id } = await send(chat, 'one', { reply_markup: keyboard('a') });
    await rig.done('editMessageText', { chat_id: chat, message_id, text: 'two' }, message);
    const shown = (await rig.chat(chat)).messages.at(-1);
    expect(shown).toMatchObject({ message_id, text: 'two', edit_date: aNumber });
    expect(shown).not.toHaveProperty('reply_markup');
  });

  test('an edit that changes nothing is refused', async () => {
    const chat = await newChat();
    const { message_id } = await send(chat, 'same', { reply_markup: keyboard('a') });
    const words =
      '400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same ' +
      'as a current content and reply markup of the message';
    const to = { chat_id: chat, message_id };
    expect(await refusal('editMessageText', { ...to, text: 'same', reply_markup: keyboard('a') })).toBe(words);
    expect(await refusal('editMessageReplyMarkup', { ...to, reply_markup: keyboard('a') })).toBe(words);
    await rig.done('editMessageReplyMarkup', { ...to, reply_markup: keyboard('b') }, message);
  });

  test('what is not there, not the bot’s, or of another kind cannot be edited', async () => {
    const chat = await newChat();
    const start = (await rig.chat(chat)).messages[0]?.message_id;
    const { message_id } = await send(chat, 'gone');
    await rig.done('deleteMessage', { chat_id: chat, message_id }, z.literal(true));
    const edit = (id: unknown) => refusal('editMessageText', { chat_id: chat, message_id: id, text: 'x' });
    expect(await edit(message_id)).toBe('400 Bad Request: message to edit not found');
    expect(await edit(999_999)).toBe('400 Bad Request: message to edit not found');
    expect(await edit(undefined)).toBe('400 Bad Request: message identifier is not specified');
    expect(await edit(start)).toBe("400 Bad Request: message can't be edited");
    const withKeyboard = await send(chat, 'menu', { reply_markup: { keyboard: [[{ text: 'Help' }]] } });
    expect(await edit(withKeyboard.message_id)).toBe("400 Bad Request: message can't be edited");
    expect(await refusal('deleteMessage', { chat_id: chat, message_id })).toBe(
      '400 Bad Request: message to delete not found',
    );
    expect(await refusal('editMessageCaption', { chat_id: chat, message_id: (await send(chat, 'x')).message_id })).toBe(
      '400 Bad Request: there is no caption in the message to edit',
    );
  });
});

describe('files', () => {
  test('a photo comes in several sizes of recompressed JPEG, the last one the biggest, and can be downloaded', async () => {
    await confirmAll();
    nextChat += 1;
    await rig.upload(nextChat, 'photo', await samplePhoto('coffee-cup.jpg'), 'cup.jpg', { caption: 'cup' });
    const sizes = z.array(
      z.object({ file_id: z.string(), width: z.number(), height: z.number(), file_size: z.number() }).loose(),
    );
    const shape = z.array(z.looseObject({ message: z.looseObject({ photo: sizes, caption: z.literal('cup') }) }));
    const [update] = await rig.done('getUpdates', {}, shape);
    expect(update?.message.photo.map((size) => size.width)).toEqual([90, 320, 600]);
    const last = update?.message.photo.at(-1);
    const found = await rig.done('getFile', { file_id: last?.file_id }, z.looseObject({ file_path: z.string() }));
    const bytes = await fetch(`${rig.url}/file/bot${TOKEN}/${found.file_path}`);
    expect((await bytes.arrayBuffer()).byteLength).toBe(last?.file_size);
  });

  test('a document stays as it is, and one above 20 MB cannot be fetched', async () => {
    nextChat += 1;
    const chat = nextChat;
    const original = await samplePhoto('cat.jpg');
    await rig.upload(chat, 'document', original, 'cat.jpg');
    const document = (await rig.chat(chat)).messages[0]?.document;
    const found = await rig.done('getFile', { file_id: document?.file_id }, z.looseObject({ file_path: z.string() }));
    const bytes = await (await fetch(`${rig.url}/file/bot${TOKEN}/${found.file_path}`)).arrayBuffer();
    expect(Buffer.from(bytes).equals(original)).toBe(true);
    await rig.upload(chat, 'document', new Uint8Array(20 * 1024 * 1024 + 1), 'big.bin');
    const big = (await rig.chat(chat)).messages.at(-1)?.document;
    expect(await refusal('getFile', { file_id: big?.file_id })).toBe('400 Bad Request: file is too big');
    expect(await refusal('getFile', { file_id: 'nonsense' })).toBe('400 Bad Request: invalid file_id');
  });

  test('a video keeps the numbers that were given and is measured where none were', async () => {
    const api = new Api(TOKEN, { apiRoot: rig.url });
    const chat = await newChat();
    const given = await api.sendVideo(chat, new InputFile(film, 'a.mp4'), { width: 720, height: 960, duration: 9 });
    expect(given.video).toMatchObject({ width: 720, height: 960, duration: 9, mime_type: 'video/mp4' });
    const measured = await api.sendVideo(chat, new InputFile(film, 'a.mp4'));
    expect(measured.video).toMatchObject({ width: 240, height: 320, duration: 2, file_size: film.length });
    const again = await api.sendVideo(chat, measured.video.file_id);
    expect(again.video.file_unique_id).toBe(measured.video.file_unique_id);
    const ranged = await fetch(`${rig.url}/dev/files/${measured.video.file_id}`, { headers: { range: 'bytes=4-7' } });
    expect([ranged.status, await ranged.text()]).toEqual([206, 'ftyp']);
  });

  test('what is no picture, too long a caption, and a foreign or unfit file id are refused', async () => {
    const api = new Api(TOKEN, { apiRoot: rig.url });
    const chat = await newChat();
    const words = (work: Promise<unknown>) =>
      work.then(
        () => 'ok',
        (error: unknown) => (error instanceof GrammyError ? error.description : 'other'),
      );
    expect(await words(api.sendPhoto(chat, new InputFile(Buffer.from('text'), 'a.jpg')))).toBe(
      'Bad Request: IMAGE_PROCESS_FAILED',
    );
    const long = { caption: 'a'.repeat(1025) };
    expect(await words(api.sendVideo(chat, new InputFile(film, 'a.mp4'), long))).toBe(
      'Bad Request: message caption is too long',
    );
    expect(await words(api.sendVideo(chat, 'AAAA'))).toBe('Bad Request: wrong file identifier/HTTP URL specified');
    const photo = await api.sendPhoto(chat, new InputFile(await samplePhoto('cat.jpg'), 'c.jpg'));
    const id = photo.photo.at(-1)?.file_id ?? '';
    expect(await words(api.sendVideo(chat, id))).toBe("Bad Request: can't use file of type Photo as Video");
    expect(await words(api.copyMessage(chat, chat, photo.message_id))).toBe('ok');
    expect((await rig.chat(chat)).messages.filter((each) => each.photo !== undefined)).toHaveLength(2);
  });
});

describe('updates', () => {
  test('an update is repeated until a later offset confirms it', async () => {
    await confirmAll();
    const chat = await newChat();
    const first = await rig.done('getUpdates', {}, updates);
    expect(await rig.done('getUpdates', {}, updates)).toEqual(first);
    await rig.say(chat, 'second');
    const offset = (first.at(-1)?.update_id ?? 0) + 1;
    const second = await rig.done('getUpdates', { offset }, updates);
    expect(second.map((each) => each.update_id)).toEqual([offset]);
    expect(await rig.done('getUpdates', {}, updates)).toEqual(second);
  });

  test('a long poll ends with the first update, and the older of two polls with 409', async () => {
    await confirmAll();
    const older = rig.call('getUpdates', { timeout: 30 });
    await waitFor(async () => (await rig.journal('?method=getUpdates')).some((each) => each.outcome === 'pending'), {
      what: 'the first poll to be under way',
    });
    const newer = rig.done('getUpdates', { timeout: 30 }, updates);
    expect(await older).toMatchObject({
      status: 409,
      description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    });
    await newChat();
    expect(await newer).toHaveLength(1);
  });

  test('types that were not asked for do not come', async () => {
    await rig.done('getUpdates', { offset: -1, allowed_updates: ['callback_query'] }, updates);
    await confirmAll();
    const chat = await newChat();
    const { message_id } = await send(chat, 'x', { reply_markup: keyboard('a') });
    await rig.dev('POST', `chats/${chat}/callbacks`, { message_id, data: 'a', wait: 0 });
    const seen = await rig.done('getUpdates', { allowed_updates: [] }, updates);
    expect(seen.map((each) => Object.keys(each)[1])).toEqual(['callback_query']);
  });

  test('a webhook gets updates in order with its secret, again until it says 2xx; getUpdates is refused meanwhile', async () => {
    await confirmAll();
    const seen: { text: string | undefined; secret: unknown }[] = [];
    let failures = 2;
    const hook = z.object({ message: z.looseObject({ text: z.string() }) });
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        failures -= 1;
        const text = hook.parse(JSON.parse(body)).message.text;
        if (failures < 0) seen.push({ text, secret: request.headers['x-telegram-bot-api-secret-token'] });
        response.writeHead(failures < 0 ? 200 : 500).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const url = `http://127.0.0.1:${port}/hook`;
      expect(await refusal('setWebhook', { url: 'http://example.com/' })).toBe(
        '400 Bad Request: bad webhook: An HTTPS URL must be provided for webhook',
      );
      await rig.done('setWebhook', { url, secret_token: 's3cret' }, z.literal(true));
      expect(await refusal('getUpdates', {})).toContain('409 Conflict');
      nextChat += 1;
      await rig.say(nextChat, 'one');
      await rig.say(nextChat, 'two');
      await waitFor(() => seen.length === 2, { what: 'both updates at the webhook' });
      expect(seen).toEqual([
        { text: 'one', secret: 's3cret' },
        { text: 'two', secret: 's3cret' },
      ]);
      const info = z.looseObject({ pending_update_count: z.number() });
      await waitFor(async () => (await rig.done('getWebhookInfo', {}, info)).pending_update_count === 0, {
        what: 'the updates to be confirmed',
      });
      expect(await rig.done('getWebhookInfo', {}, info)).toMatchObject({ url });
    } finally {
      await rig.done('deleteWebhook', {}, z.literal(true));
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('grammy', () => {
  test('polls, answers a press, and turns a text into a video that stays one message', async () => {
    const api = new Api(TOKEN, { apiRoot: rig.url });
    await confirmAll();
    const chat = await newChat();
    const [update] = await api.getUpdates({ timeout: 5 });
    expect(update?.message).toMatchObject({
      text: '/start',
      entities: [{ type: 'bot_command', offset: 0, length: 6 }],
    });
    const progress = await api.sendMessage(chat, 'Working', { reply_markup: keyboard('cancel') });
    const press = rig.dev('POST', `chats/${chat}/callbacks`, { message_id: progress.message_id, data: 'cancel' });
    const [pressed] = await api.getUpdates({ offset: (update?.update_id ?? 0) + 1, timeout: 5 });
    expect(pressed?.callback_query).toMatchObject({ data: 'cancel', from: { id: chat }, message: { text: 'Working' } });
    await api.answerCallbackQuery(pressed?.callback_query?.id ?? '', { text: 'Too late', show_alert: true });
    expect((await press).json).toMatchObject({ answered: true, text: 'Too late', show_alert: true });

    const video = () => ({
      type: 'video' as const,
      media: new InputFile(film, 'v.mp4'),
      caption: '<b>Yours</b>',
      parse_mode: 'HTML' as const,
      width: 240,
      height: 320,
      duration: 2,
    });
    await rig.dev('POST', 'faults', { method: 'editMessageMedia', fault: 'process-then-drop', times: 2 });
    for (const _ of [1, 2]) {
      await expect(api.editMessageMedia(chat, progress.message_id, video())).rejects.toBeInstanceOf(HttpError);
    }
    const shown = await api.editMessageMedia(chat, progress.message_id, video());
    expect(shown).toMatchObject({ message_id: progress.message_id, caption: 'Yours', video: { width: 240 } });
    const { messages } = await rig.chat(chat);
    expect(messages.filter((each) => each.video !== undefined)).toHaveLength(1);
    const inJournal = (await rig.journal('?method=editMessageMedia')).filter(
      (each) => each.chat === chat && each.processed,
    );
    expect(inJournal.map((each) => [each.outcome, each.media, each.message_id])).toEqual([
      ['dropped', 'video', progress.message_id],
      ['dropped', 'video', progress.message_id],
      ['ok', 'video', progress.message_id],
    ]);
    const id = shown === true ? '' : (shown.video?.file_id ?? '');
    const media = {
      type: 'video' as const,
      media: id,
      caption: 'Yours',
      caption_entities: [{ type: 'bold' as const, offset: 0, length: 5 }],
    };
    await expect(api.editMessageMedia(chat, progress.message_id, media)).rejects.toThrow('message is not modified');
  });

  test('commands and descriptions are kept by language', async () => {
    const api = new Api(TOKEN, { apiRoot: rig.url });
    await api.setMyCommands([{ command: 'new', description: 'New video' }]);
    await api.setMyCommands([{ command: 'new', description: 'Новое видео' }], { language_code: 'ru' });
    await api.setMyDescription('Hello', { language_code: 'en' });
    expect(await api.getMyCommands({ language_code: 'ru' })).toEqual([{ command: 'new', description: 'Новое видео' }]);
    expect((await rig.dev('GET', 'bot')).json).toMatchObject({
      commands: { '': [{ command: 'new', description: 'New video' }] },
      description: { en: 'Hello' },
    });
  });
});
