import { expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../dev/port.ts';
import { createTelegramClient } from '../../src/telegram/client.ts';
import { FileTooBigError } from '../../src/telegram/download.ts';
import { TelegramError } from '../../src/telegram/error.ts';
import { startBotRig } from '../support/bot.ts';
import { samplePhoto, startRig, TOKEN } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

test('by webhook updates come in only with the secret, and one that comes twice is handled once', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const bot = await startBotRig({
    NEUROCARDS_HTTP_ADDRESS: `127.0.0.1:${port}`,
    NEUROCARDS_PUBLIC_URL: url,
    NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: 'a-secret_of_ours',
  });
  const anna = bot.customer(601);
  await anna.say('/help');
  await anna.seeText('@a_human');
  const forged = {
    update_id: 77,
    message: { message_id: 1, date: 1, chat: { id: 601, type: 'private' }, from: { id: 601 }, text: '/terms' },
  };
  const post = (secret: string | undefined) =>
    fetch(`${url}/telegram/webhook`, {
      method: 'POST',
      headers: secret === undefined ? {} : { 'x-telegram-bot-api-secret-token': secret },
      body: JSON.stringify(forged),
    });
  for (const secret of [undefined, '', 'a-secret_of_our', 'another']) expect((await post(secret)).status).toBe(401);
  expect((await post('a-secret_of_ours')).status).toBe(200);
  expect((await post('a-secret_of_ours')).status).toBe(200);
  await anna.seeText('Terms in plain words');
  await anna.say('/privacy');
  await anna.seeText('Privacy in plain words');
  const terms = (await anna.messages()).filter((one) => one.text?.includes('Terms in plain words') === true);
  expect(terms).toHaveLength(1);
});

test('a checkout of a bill that is none of ours is answered at once, with a polite no', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(602);
  await anna.say('/help');
  await anna.seeText('@a_human');
  await bot.telegram.call('sendInvoice', {
    chat_id: 602,
    title: 'Credits',
    description: 'Five credits',
    payload: 'p1',
    currency: 'XTR',
    prices: [{ label: 'credits', amount: 5 }],
  });
  const invoice = (await anna.messages()).at(-1);
  const paid = await bot.telegram.dev('POST', 'chats/602/payments', { message_id: invoice?.message_id });
  expect(JSON.stringify(paid.json)).toContain('We do not know this bill');
});

test('a callback of the provider is noted if it has its shape, and never tells what we know', async () => {
  const bot = await startBotRig();
  const post = async (nonce: string, body: unknown) => {
    const answer = await fetch(`${bot.url()}/kie/callback/${nonce}`, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await post('a-nonce-nobody-made', { code: 200, data: { taskId: 'task-1' } })).status).toBe(200);
  expect((await post('a-nonce-nobody-made', { code: 200, data: {} })).status).toBe(400);
  expect((await post('short', { data: { taskId: 'task-1' } })).status).toBe(400);
  expect((await post('a-nonce-nobody-made', 'words')).status).toBe(400);
  expect((await fetch(`${bot.url()}/kie/callback/a-nonce-nobody-made`)).status).toBe(405);
});

test('the commands of both languages are set once', async () => {
  const bot = await startBotRig();
  const set = () => bot.telegram.journal('?method=setMyCommands');
  await waitFor(async () => (await set()).length === 2, { what: 'the commands' });
  const shown = z.looseObject({ commands: z.record(z.string(), z.array(z.object({ command: z.string() }))) });
  const { commands } = shown.parse((await bot.telegram.dev('GET', 'bot')).json);
  expect(Object.keys(commands).sort()).toEqual(['', 'ru']);
  await bot.stop();
  await bot.start();
  await bot.customer(603).say('/help');
  await bot.customer(603).seeText('@a_human');
  expect(await set()).toHaveLength(2);
});

test('no error of a Telegram call holds the token, and each says what is known of the call', async () => {
  const telegram = await startRig();
  const seen: string[] = [];
  const client = createTelegramClient({
    token: TOKEN,
    apiRoot: telegram.url,
    onRequest: (method, outcome) => seen.push(`${method} ${outcome}`),
  });
  await telegram.say(604, 'hello');
  const failing = async (fault: string): Promise<TelegramError> => {
    await telegram.dev('POST', 'faults', { method: 'sendMessage', fault, times: 1, retry_after: 7 });
    const error: unknown = await client.sendMessage(604, 'text', []).catch((thrown: unknown) => thrown);
    if (!(error instanceof TelegramError)) throw new Error(`no TelegramError for ${fault}`);
    expect(deepText(error)).not.toContain('stand-in-token');
    return error;
  };
  expect(await failing('429')).toMatchObject({ meaning: 'retry-later', retryAfterSeconds: 7 });
  expect(await failing('403')).toMatchObject({ meaning: 'unreachable', reason: 'delivery-blocked' });
  expect(await failing('400:Bad Request: message to edit not found')).toMatchObject({ meaning: 'missing-message' });
  for (const fault of ['500', '502-html', 'drop', 'process-then-drop']) {
    expect(await failing(fault), fault).toMatchObject({ meaning: 'unknown' });
  }
  // "Not modified" is a success.
  const id = await client.sendMessage(604, 'text', []);
  await client.editMessageText(604, id, 'text', []);

  const photo = await samplePhoto('coffee-cup.jpg');
  await telegram.upload(604, 'document', photo, 'cup.jpg');
  const file = (await telegram.chat(604)).messages.at(-1)?.document?.file_id ?? '';
  expect(Buffer.from(await client.download(file, photo.length)).equals(photo)).toBe(true);
  await expect(client.download(file, photo.length - 1)).rejects.toBeInstanceOf(FileTooBigError);
  await telegram.erase();
  const gone: unknown = await client.sendMessage(604, 'text', []).catch((thrown: unknown) => thrown);
  expect(gone).toMatchObject({ meaning: 'retry-later', reason: 'delivery-network' });
  expect(deepText(gone)).not.toContain('stand-in-token');
  expect(seen).toContain('sendMessage delivery-flood');
  expect(seen).toContain('editMessageText ok');
});

/** Everything that a careless logger would print of an error. */
function deepText(error: unknown): string {
  const parts: string[] = [];
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    parts.push(
      one.message,
      one.stack ?? '',
      JSON.stringify(Object.getOwnPropertyNames(one).map((name) => String(Reflect.get(one, name)))),
    );
  }
  return parts.join('\n');
}
