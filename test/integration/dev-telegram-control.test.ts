import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTelegram } from '../../dev/telegram/server.ts';
import type { Rig } from '../support/telegram.ts';
import { samplePhoto, seenMessage, startRig, TOKEN } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

const message = z.looseObject({ message_id: z.number() });
const updates = z.array(z.looseObject({ update_id: z.number() }));
const checkout = z.array(
  z.looseObject({ update_id: z.number(), pre_checkout_query: z.looseObject({ id: z.string() }).optional() }),
);
const paid = z.object({ ok: z.literal(true), charge_id: z.string(), message_id: z.number() });

const aNumber: unknown = expect.any(Number);
const containing = (text: string): unknown => expect.stringContaining(text);

let rig: Rig;
let nextChat = 2000;

beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.dev('DELETE', 'faults'));
afterAll(() => rig.erase());

async function newChat(): Promise<number> {
  nextChat += 1;
  await rig.say(nextChat, 'hello');
  return nextChat;
}

/** What a client sees of a call: the parsed answer, or `broken` when the connection ended without one. */
async function attempt(method: string, body: object) {
  try {
    const response = await fetch(`${rig.url}/bot${TOKEN}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    });
    return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
  } catch {
    return 'broken';
  }
}

const texts = async (chat: number) => (await rig.chat(chat)).messages.map((each) => each.text);

async function confirmAll(): Promise<void> {
  const last = await rig.done('getUpdates', { offset: -1 }, updates);
  await rig.done('getUpdates', { offset: (last.at(-1)?.update_id ?? 0) + 1 }, updates);
}

describe('what a person does', () => {
  test('a message makes the chat, and its language goes with the updates', async () => {
    await confirmAll();
    nextChat += 1;
    const { json } = await rig.dev('POST', `chats/${nextChat}/messages`, { text: 'Привет', language_code: 'ru' });
    expect(seenMessage.parse(json)).toMatchObject({ from: 'user', text: 'Привет' });
    expect(await rig.done('getUpdates', {}, updates)).toMatchObject([
      { message: { text: 'Привет', from: { id: nextChat, language_code: 'ru' }, chat: { type: 'private' } } },
    ]);
    expect(await rig.chat(nextChat)).toMatchObject({ user: { language_code: 'ru' }, blocked: false });
    const list = z.array(z.looseObject({ chat: z.number() })).parse((await rig.dev('GET', 'chats')).json);
    expect(list.map((each) => each.chat)).toContain(nextChat);
  });

  test('a text of 4,097 characters arrives as two messages, as Telegram’s apps send it', async () => {
    nextChat += 1;
    await rig.say(nextChat, 'a'.repeat(4097));
    expect((await rig.chat(nextChat)).messages.map((each) => each.text?.length)).toEqual([4096, 1]);
  });

  test('a photo is recompressed, a document is not, and what is no picture is refused as a photo', async () => {
    nextChat += 1;
    const original = await samplePhoto('person.jpg');
    const photo = seenMessage.parse((await rig.upload(nextChat, 'photo', original, 'p.jpg')).json);
    expect(photo.photo).toMatchObject({ width: 512, height: 512 });
    const document = seenMessage.parse((await rig.upload(nextChat, 'document', original, 'p.jpg')).json);
    expect(document.document?.file_size).toBe(original.length);
    expect(photo.photo?.sha256).not.toBe(document.document?.sha256);
    const refused = await rig.upload(nextChat, 'photo', Buffer.from('not a picture'), 'p.jpg');
    expect(refused).toMatchObject({ status: 400, json: { ok: false, error: containing('document') } });
  });

  test('a press the bot does not answer comes back unanswered; data of no button is delivered all the same', async () => {
    const chat = await newChat();
    const sent = await rig.done('sendMessage', { chat_id: chat, text: 'x' }, message);
    await confirmAll();
    const press = { message_id: sent.message_id, data: 'made-up', wait: 0.05 };
    expect((await rig.dev('POST', `chats/${chat}/callbacks`, press)).json).toMatchObject({ answered: false });
    expect(await rig.done('getUpdates', {}, updates)).toMatchObject([{ callback_query: { data: 'made-up' } }]);
  });

  test('an answer to an unknown press is refused as too old', async () => {
    expect(await rig.call('answerCallbackQuery', { callback_query_id: '1' })).toMatchObject({
      status: 400,
      description: 'Bad Request: query is too old and response timeout expired or query ID is invalid',
    });
  });

  test('blocking tells the bot, stops its messages, and the person must unblock before writing', async () => {
    const chat = await newChat();
    await confirmAll();
    await rig.dev('PATCH', `chats/${chat}`, { blocked: true });
    expect(await rig.done('getUpdates', {}, updates)).toMatchObject([
      { my_chat_member: { new_chat_member: { status: 'kicked' } } },
    ]);
    expect(await rig.dev('POST', `chats/${chat}/messages`, { text: 'x' })).toMatchObject({ status: 409 });
    await rig.dev('PATCH', `chats/${chat}`, { blocked: false });
    await rig.say(chat, 'back');
    await rig.done('sendMessage', { chat_id: chat, text: 'welcome back' }, message);
  });

  test('a message the person deleted is gone for the bot', async () => {
    const chat = await newChat();
    const { message_id } = await rig.done('sendMessage', { chat_id: chat, text: 'x' }, message);
    await rig.dev('DELETE', `chats/${chat}/messages/${message_id}`);
    expect((await rig.chat(chat)).messages.at(-1)).toMatchObject({ message_id, deleted: true });
    expect(await rig.call('editMessageText', { chat_id: chat, message_id, text: 'y' })).toMatchObject({
      description: 'Bad Request: message to edit not found',
    });
  });

  test('nonsense is answered with a JSON error that names it', async () => {
    for (const [method, path, body] of [
      ['POST', 'chats/5/messages', {}],
      ['POST', 'faults', { method: 'sendMessage', fault: 'explode' }],
      ['POST', 'faults', { method: 'noSuchMethod', fault: 'drop' }],
      ['GET', 'chats/999999', undefined],
      ['GET', 'nothing', undefined],
      ['PUT', 'faults', {}],
    ] as const) {
      const { status, json } = await rig.dev(method, path, body);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(z.object({ ok: z.literal(false), error: z.string().min(10) }).parse(json).error).not.toContain(
        'undefined',
      );
    }
  });
});

describe('Stars', () => {
  const invoice = { title: '50 credits', description: 'Ten videos', payload: 'order-1', currency: 'XTR' };
  const prices = [{ label: '50 credits', amount: 250 }];

  /** Starts a payment and gives the bot's side of it: the query that it has to answer. */
  async function startPayment(chat: number, body: object) {
    await confirmAll();
    const result = rig.dev('POST', `chats/${chat}/payments`, body);
    const [update] = await rig.done('getUpdates', { timeout: 5 }, checkout);
    const query = update?.pre_checkout_query;
    expect(query).toMatchObject({ currency: 'XTR', total_amount: 250, invoice_payload: 'order-1', from: { id: chat } });
    return { result, queryId: query?.id ?? '', next: (update?.update_id ?? 0) + 1 };
  }

  async function pay(chat: number, body: object) {
    const { result, queryId, next } = await startPayment(chat, body);
    await rig.done('answerPreCheckoutQuery', { pre_checkout_query_id: queryId, ok: true }, z.literal(true));
    return { ...paid.parse((await result).json), next };
  }

  test('a payment confirmed by the bot becomes a transaction and a successful_payment, once', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { charge_id, next } = await pay(chat, { message_id: bill.message_id });
    expect(await rig.done('getUpdates', { offset: next }, updates)).toMatchObject([
      {
        message: {
          successful_payment: { telegram_payment_charge_id: charge_id, total_amount: 250, invoice_payload: 'order-1' },
        },
      },
    ]);
    const shape = z.object({ transactions: z.array(z.looseObject({ id: z.string() })) });
    const { transactions } = await rig.done('getStarTransactions', {}, shape);
    expect(transactions.at(-1)).toMatchObject({ id: charge_id, amount: 250, source: { user: { id: chat } } });
    const again = await rig.dev('POST', `chats/${chat}/payments`, { message_id: bill.message_id });
    expect(again).toMatchObject({ status: 409 });
  });

  test('a lost payment is seen only among the transactions', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { charge_id, next } = await pay(chat, { message_id: bill.message_id, lose: true });
    expect(await rig.done('getUpdates', { offset: next }, updates)).toEqual([]);
    const rows = z.array(z.looseObject({ charge_id: z.string() })).parse((await rig.dev('GET', 'transactions')).json);
    expect(rows.find((row) => row.charge_id === charge_id)).toMatchObject({ chat, amount: 250, lost: true });
  });

  test('a link is paid like a message', async () => {
    const chat = await newChat();
    const link = await rig.done('createInvoiceLink', { ...invoice, prices }, z.string().startsWith('https://t.me/$'));
    expect((await pay(chat, { link })).ok).toBe(true);
  });

  test('a refused checkout charges nothing and shows the bot’s words', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { result, queryId } = await startPayment(chat, { message_id: bill.message_id });
    const refusal = { pre_checkout_query_id: queryId, ok: false, error_message: 'Sold out' };
    await rig.done('answerPreCheckoutQuery', refusal, z.literal(true));
    expect((await result).json).toEqual({ ok: false, error_message: 'Sold out' });
  });

  test('an answer after ten seconds is too late, and nothing was paid', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { result, queryId } = await startPayment(chat, { message_id: bill.message_id });
    expect((await result).json).toMatchObject({ ok: false });
    expect(await rig.call('answerPreCheckoutQuery', { pre_checkout_query_id: queryId, ok: true })).toMatchObject({
      status: 400,
      description: 'Bad Request: query is too old and response timeout expired or query ID is invalid',
    });
  });

  test('a refund by the bot is told, works once, and stands among the transactions', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { charge_id } = await pay(chat, { message_id: bill.message_id });
    await confirmAll();
    const refund = { user_id: chat, telegram_payment_charge_id: charge_id };
    await rig.done('refundStarPayment', refund, z.literal(true));
    expect(await rig.done('getUpdates', {}, updates)).toMatchObject([
      { message: { refunded_payment: { telegram_payment_charge_id: charge_id, total_amount: 250 } } },
    ]);
    expect(await rig.call('refundStarPayment', refund)).toMatchObject({
      description: 'Bad Request: CHARGE_ALREADY_REFUNDED',
    });
    expect(await rig.call('refundStarPayment', { ...refund, user_id: 1 })).toMatchObject({
      description: 'Bad Request: CHARGE_NOT_FOUND',
    });
  });

  test('a chargeback by the store is told to nobody, but stands among the transactions', async () => {
    const chat = await newChat();
    const bill = await rig.done('sendInvoice', { chat_id: chat, ...invoice, prices }, message);
    const { charge_id } = await pay(chat, { message_id: bill.message_id });
    await confirmAll();
    expect((await rig.dev('POST', `chats/${chat}/refunds`, { charge_id, by: 'store' })).status).toBe(200);
    expect(await rig.done('getUpdates', {}, updates)).toEqual([]);
    const shape = z.object({
      transactions: z.array(z.looseObject({ id: z.string(), receiver: z.unknown().optional() })),
    });
    const { transactions } = await rig.done('getStarTransactions', {}, shape);
    expect(transactions.filter((row) => row.id === charge_id).map((row) => row.receiver !== undefined)).toEqual([
      false,
      true,
    ]);
  });

  test.each([
    [{ prices: [] }, 'there must be at least one price'],
    [{ prices: [...prices, ...prices] }, 'CURRENCY_TOTAL_AMOUNT_INVALID'],
    [{ payload: 'я'.repeat(65) }, 'INVOICE_PAYLOAD_INVALID'],
    [{ provider_token: 'x' }, 'STARS_INVOICE_INVALID'],
    [{ title: '' }, 'parameter "title" is required'],
  ])('an invoice with %j is refused', async (wrong, why) => {
    const chat = await newChat();
    const { description } = await rig.call('sendInvoice', { chat_id: chat, ...invoice, prices, ...wrong });
    expect(description).toBe(`Bad Request: ${why}`);
  });
});

describe('faults', () => {
  const order = (fault: string, more: object = {}) =>
    rig.dev('POST', 'faults', { method: 'sendMessage', fault, times: 1, ...more });

  test.each([
    ['process-then-drop', true],
    ['drop', false],
  ])('%s breaks the connection, processed: %s, once', async (fault, processed) => {
    const chat = await newChat();
    await order(fault);
    expect(await attempt('sendMessage', { chat_id: chat, text: 'one' })).toBe('broken');
    expect(await texts(chat)).toEqual(processed ? ['hello', 'one'] : ['hello']);
    const entry = (await rig.journal(`?method=sendMessage&chat=${chat}`)).at(-1);
    expect(entry).toMatchObject({ outcome: 'dropped', processed, fault });
    await rig.done('sendMessage', { chat_id: chat, text: 'two' }, message);
  });

  test.each([
    ['429', { retry_after: 7 }, 429, 'Too Many Requests: retry after 7'],
    ['403', {}, 403, 'Forbidden: bot was blocked by the user'],
    ['400:PEER_FLOOD', {}, 400, 'Bad Request: PEER_FLOOD'],
    ['500', {}, 500, 'Internal Server Error'],
  ])('%s is answered and nothing was done', async (fault, more, code, description) => {
    const chat = await newChat();
    await order(fault, more);
    const given = await rig.call('sendMessage', { chat_id: chat, text: 'x' });
    expect(given).toMatchObject({ status: code, error_code: code, description });
    if (code === 429) expect(given.parameters).toEqual({ retry_after: 7 });
    expect(await texts(chat)).toEqual(['hello']);
  });

  test('502-html answers a page, as the proxy before Telegram does', async () => {
    const chat = await newChat();
    await order('502-html');
    expect(await attempt('sendMessage', { chat_id: chat, text: 'x' })).toMatchObject({
      status: 502,
      text: containing('<html>'),
    });
  });

  test('hang answers nothing for its seconds, or until the faults are cleared', async () => {
    const chat = await newChat();
    const begun = performance.now();
    await order('hang', { seconds: 0.3 });
    expect(await attempt('sendMessage', { chat_id: chat, text: 'x' })).toBe('broken');
    expect(performance.now() - begun).toBeGreaterThan(280);
    await order('hang');
    const hanging = attempt('sendMessage', { chat_id: chat, text: 'x' });
    await waitFor(async () => (await rig.journal(`?chat=${chat}`)).at(-1)?.outcome === 'pending', {
      what: 'the call to hang',
    });
    await rig.dev('DELETE', 'faults');
    expect(await hanging).toBe('broken');
    expect(await texts(chat)).toEqual(['hello']);
  });

  test('slow processes and answers late, even when the caller has left', async () => {
    const chat = await newChat();
    const begun = performance.now();
    await order('slow', { seconds: 0.3, times: 2 });
    await rig.done('sendMessage', { chat_id: chat, text: 'late' }, message);
    expect(performance.now() - begun).toBeGreaterThan(280);
    const leaving = fetch(`${rig.url}/bot${TOKEN}/sendMessage?chat_id=${chat}&text=copy`, {
      signal: AbortSignal.timeout(100),
    });
    await expect(leaving).rejects.toThrow();
    await waitFor(async () => (await texts(chat)).includes('copy'), { what: 'the late copy' });
  });

  test('a fault of one chat leaves the others alone', async () => {
    const [unlucky, lucky] = [await newChat(), await newChat()];
    await order('500', { chat: unlucky });
    expect((await rig.call('sendMessage', { chat_id: lucky, text: 'x' })).status).toBe(200);
    expect((await rig.call('sendMessage', { chat_id: unlucky, text: 'x' })).status).toBe(500);
    expect((await rig.dev('GET', 'faults')).json).toEqual([]);
  });

  test('redeliver hands a confirmed update out once more, to a poll under way too', async () => {
    await newChat();
    const [update] = await rig.done('getUpdates', { offset: -1 }, updates);
    await confirmAll();
    const poll = rig.done('getUpdates', { timeout: 5 }, updates);
    await rig.dev('POST', 'faults', { method: 'getUpdates', fault: 'redeliver', times: 1 });
    expect(await poll).toEqual([update]);
    expect(await rig.done('getUpdates', {}, updates)).toEqual([]);
  });

  test('a download can be disturbed too', async () => {
    nextChat += 1;
    const sent = seenMessage.parse((await rig.upload(nextChat, 'photo', await samplePhoto('cat.jpg'), 'c.jpg')).json);
    const file = await rig.done('getFile', { file_id: sent.photo?.file_id }, z.looseObject({ file_path: z.string() }));
    await rig.dev('POST', 'faults', { method: 'download', fault: '500' });
    const get = () => fetch(`${rig.url}/file/bot${TOKEN}/${file.file_path}`);
    expect((await get()).status).toBe(500);
    expect((await get()).status).toBe(200);
  });
});

test('the journal holds method, chat, times and outcome of every call, and never the token', async () => {
  const chat = await newChat();
  await rig.done('sendMessage', { chat_id: chat, text: 'x' }, message);
  await rig.call('sendMessage', { chat_id: chat, text: '' });
  await rig.call('getMe', {}, 'wrong:token');
  const entries = await rig.journal(`?method=sendmessage&chat=${chat}`);
  expect(entries).toMatchObject([
    { method: 'sendMessage', chat, outcome: 'ok', processed: true, message_id: aNumber },
    { method: 'sendMessage', chat, outcome: 'error', processed: false, error_code: 400 },
  ]);
  for (const entry of entries) {
    expect(entry.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(entry.finishedAt?.localeCompare(entry.time)).toBeGreaterThanOrEqual(0);
  }
  const everything = JSON.stringify((await rig.dev('GET', 'journal')).json);
  expect(everything).not.toContain(TOKEN);
  expect(everything).not.toContain('wrong:token');
});

test('a page of another origin cannot drive the chats', async () => {
  const answer = await fetch(`${rig.url}/dev/chats`, { headers: { origin: 'https://evil.example' } });
  expect(answer.status).toBe(403);
});

test('a directory or a port in use is refused with the remedy, and the stand-in that has it is not harmed', async () => {
  await expect(startRig(rig.directory)).rejects.toThrow('in use by process');
  const port = Number(new URL(rig.url).port);
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-telegram-'));
  await expect(startTelegram({ stateDirectory: directory, botToken: TOKEN, port })).rejects.toMatchObject({
    reason: 'PortTaken',
  });
  await rm(directory, { recursive: true });
  await newChat();
});

test('everything survives SIGKILL: chats, files, unconfirmed updates, journal, ids', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-telegram-'));
  const program = fileURLToPath(new URL('../../dev/telegram/main.ts', import.meta.url));
  const child = spawn(process.execPath, [program, '--state', directory, '--port', '0', '--token-env', 'BOT_TOKEN'], {
    env: { ...process.env, BOT_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  try {
    const url = await waitFor(() => /http:\/\/[\d.:]+/.exec(output)?.[0], { what: 'the stand-in to start' });
    const post = (path: string, body: object) =>
      fetch(`${url}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((response) => response.json());
    const form = new FormData();
    form.set('photo', new Blob([new Uint8Array(await samplePhoto('cat.jpg'))]), 'c.jpg');
    const photo = seenMessage.parse(
      await (await fetch(`${url}/dev/chats/9/messages`, { method: 'POST', body: form })).json(),
    );
    await post('dev/chats/9/messages', { text: 'kept' });
    await post(`bot${TOKEN}/sendMessage`, { chat_id: 9, text: 'answered' });
    child.kill('SIGKILL');
    await exited;
    const again = await startRig(directory);
    try {
      expect((await again.chat(9)).messages.map((each) => each.text)).toEqual([undefined, 'kept', 'answered']);
      const bytes = await fetch(`${again.url}/dev/files/${photo.photo?.file_id}`);
      expect((await bytes.arrayBuffer()).byteLength).toBe(photo.photo?.file_size);
      expect(await again.done('getUpdates', {}, updates)).toHaveLength(2);
      expect((await again.journal('?method=sendMessage')).map((each) => each.outcome)).toEqual(['ok']);
      const next = await again.done('sendMessage', { chat_id: 9, text: 'x' }, message);
      expect(next.message_id).toBe(4);
    } finally {
      await again.close();
    }
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
});
