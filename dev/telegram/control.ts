import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { readRequest } from './body.ts';
import { deleteMessage, enterChat, press, sendFile, sendText, setBlocked } from './customer.ts';
import { answer } from './exchange.ts';
import type { Chat } from './model.ts';
import { refunded, startPayment } from './payments.ts';
import { sendFile as sendBytes } from './ranges.ts';
import { ControlError, Refusal } from './refusal.ts';
import type { SamplePhotos } from './samples.ts';
import type { Telegram } from './telegram.ts';
import { personUser, seenMessage } from './views.ts';

/** How long a press waits for the bot unless the caller says otherwise, in seconds. */
const pressWait = 5;
const biggestUpload = 120 * 1024 * 1024;

const language = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, 'must be a language code such as ru or en');
const name = z.string().min(1).max(64);
const newChat = z.strictObject({ language_code: language.optional(), first_name: name.optional() });
const words = z.strictObject({
  text: z.string().optional(),
  caption: z.string().optional(),
  language_code: language.optional(),
  first_name: name.optional(),
  reply_to_message_id: z.coerce.number().int().positive().optional(),
});
const pressed = z.strictObject({ message_id: z.int(), data: z.string(), wait: z.number().min(0).max(60).optional() });
const payment = z
  .strictObject({ message_id: z.int().optional(), link: z.string().optional(), lose: z.boolean().default(false) })
  .refine((body) => (body.message_id === undefined) !== (body.link === undefined), 'name message_id or link');
const refund = z.strictObject({ charge_id: z.string(), by: z.enum(['bot', 'store']) });
const chatChange = z
  .strictObject({ blocked: z.boolean().optional(), language_code: language.optional() })
  .refine((body) => Object.keys(body).length > 0, 'name blocked or language_code');

type Ask = {
  readonly telegram: Telegram;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly samples: SamplePhotos;
  /** The named groups of the route's pattern. */
  readonly part: (name: string) => string;
};

type Route = { readonly method: string; readonly path: RegExp; readonly run: (ask: Ask) => unknown };

const handled = Symbol('the route has answered itself');

/** Everything below `/dev/`; documented in docs/development/stand-ins.md. */
const routes: readonly Route[] = [
  { method: 'GET', path: /^\/dev\/chats$/, run: listChats },
  { method: 'POST', path: /^\/dev\/chats$/, run: addChat },
  { method: 'GET', path: /^\/dev\/chats\/(?<chat>\d+)$/, run: (ask) => chatView(ask.telegram, knownChat(ask)) },
  { method: 'PATCH', path: /^\/dev\/chats\/(?<chat>\d+)$/, run: changeChat },
  { method: 'POST', path: /^\/dev\/chats\/(?<chat>\d+)\/messages$/, run: postMessage },
  { method: 'DELETE', path: /^\/dev\/chats\/(?<chat>\d+)\/messages\/(?<message>\d+)$/, run: removeMessage },
  { method: 'POST', path: /^\/dev\/chats\/(?<chat>\d+)\/callbacks$/, run: postCallback },
  { method: 'POST', path: /^\/dev\/chats\/(?<chat>\d+)\/payments$/, run: postPayment },
  { method: 'POST', path: /^\/dev\/chats\/(?<chat>\d+)\/refunds$/, run: postRefund },
  { method: 'GET', path: /^\/dev\/transactions$/, run: (ask) => [...ask.telegram.store.transactions.values()] },
  { method: 'GET', path: /^\/dev\/journal$/, run: journal },
  { method: 'GET', path: /^\/dev\/faults$/, run: (ask) => ask.telegram.faults.list() },
  {
    method: 'POST',
    path: /^\/dev\/faults$/,
    run: async (ask) => ask.telegram.faults.add(await jsonBody(ask, z.unknown())),
  },
  { method: 'DELETE', path: /^\/dev\/faults$/, run: clearFaults },
  { method: 'GET', path: /^\/dev\/bot$/, run: (ask) => ({ ...ask.telegram.bot, ...ask.telegram.store.profile }) },
  { method: 'GET', path: /^\/dev\/files\/(?<file>[\w-]+)$/, run: sendStored },
  { method: 'GET', path: /^\/dev\/photos$/, run: (ask) => ask.samples.names() },
  { method: 'GET', path: /^\/dev\/photos\/(?<photo>[\w.-]+)$/, run: sendSample },
  {
    method: 'GET',
    path: /^\/dev\/events$/,
    run: (ask) => {
      ask.telegram.events.serve(ask.request, ask.response);
      return handled;
    },
  },
];

/** Answers a request of the control interface; every refusal is `{"ok":false,"error":"<sentence>"}`. */
export async function serveControl(
  telegram: Telegram,
  samples: SamplePhotos,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  try {
    const ofPath = routes.filter((route) => route.path.test(url.pathname));
    const route = ofPath.find((each) => each.method === method);
    if (route === undefined) {
      throw new ControlError(ofPath.length === 0 ? 404 : 405, `There is no ${method} ${url.pathname} here.`);
    }
    const groups = route.path.exec(url.pathname)?.groups ?? {};
    const part = (key: string) => groups[key] ?? '';
    const result = await route.run({ telegram, samples, request, response, url, part });
    if (result !== handled) answer(response, 200, result);
  } catch (error) {
    const known = error instanceof ControlError || error instanceof Refusal;
    if (!known) throw error;
    answer(response, error instanceof ControlError ? error.status : error.code, { ok: false, error: error.message });
  }
}

function chatView(telegram: Telegram, chat: Chat) {
  const messages = telegram.store.messages(chat.id).map((message) => seenMessage(telegram.store, message));
  return { ...chatHead(chat), messages };
}

function chatHead(chat: Chat) {
  const { id, first_name, language_code } = personUser(chat);
  return { chat: chat.id, user: { id, first_name, language_code }, blocked: chat.blocked };
}

function listChats({ telegram }: Ask) {
  return [...telegram.store.chats.values()].map((chat) => {
    const last = telegram.store.messages(chat.id).findLast((message) => message.deleted !== true);
    return { ...chatHead(chat), ...(last === undefined ? {} : { last: seenMessage(telegram.store, last) }) };
  });
}

/** The first id that the page gives to a new customer; tests choose their own. */
const firstChat = 100_001;

async function addChat(ask: Ask) {
  const body = await jsonBody(ask, newChat);
  const id = Math.max(firstChat - 1, ...ask.telegram.store.chats.keys()) + 1;
  return chatView(ask.telegram, enterChat(ask.telegram, id, body));
}

function knownChat({ telegram, part }: Ask): Chat {
  const chat = telegram.store.chats.get(Number(part('chat')));
  if (chat === undefined) throw new ControlError(404, `There is no chat ${part('chat')}: post a message to it first.`);
  return chat;
}

async function changeChat(ask: Ask) {
  const known = knownChat(ask);
  const body = await jsonBody(ask, chatChange);
  const chat = enterChat(ask.telegram, known.id, { language_code: body.language_code });
  return chatHead(body.blocked === undefined ? chat : setBlocked(ask.telegram, chat, body.blocked));
}

async function postMessage(ask: Ask) {
  const { telegram, request, url } = ask;
  const body = await readRequest(request, url, biggestUpload, telegram.files.temporary);
  try {
    const given: Record<string, string> = {};
    for (const key of Object.keys(words.shape)) if (body.parameters.has(key)) given[key] = body.parameters.text(key);
    const said = words.safeParse(body.json ?? given);
    if (!said.success) throw new ControlError(400, z.prettifyError(said.error));
    const kind = (['photo', 'document'] as const).find((each) => body.parameters.files.has(each));
    const others = [...body.parameters.files.keys()].filter((key) => key !== kind);
    if (others.length > 0)
      throw new ControlError(400, `Send one file, named photo or document; there is also ${others.join(', ')}.`);
    const id = Number(ask.part('chat'));
    if (id < 1) throw new ControlError(400, 'A chat id is a positive number.');
    const upload = kind === undefined ? undefined : body.parameters.files.get(kind);
    if (upload === undefined && said.data.text === undefined) {
      throw new ControlError(400, 'Send JSON {"text": ...}, or multipart with a file named photo or document.');
    }
    const chat = enterChat(telegram, id, said.data);
    const message =
      kind === undefined || upload === undefined
        ? sendText(telegram, chat, said.data)
        : await sendFile(telegram, chat, kind, upload, { caption: said.data.text, ...said.data });
    return seenMessage(telegram.store, message);
  } finally {
    await body.discard();
  }
}

function removeMessage(ask: Ask) {
  deleteMessage(ask.telegram, knownChat(ask), Number(ask.part('message')));
  return { ok: true };
}

async function postCallback(ask: Ask) {
  const chat = knownChat(ask);
  const { message_id, data, wait } = await jsonBody(ask, pressed);
  return press(ask.telegram, chat, message_id, data, wait ?? pressWait);
}

async function postPayment(ask: Ask) {
  const chat = knownChat(ask);
  const body = await jsonBody(ask, payment);
  const place =
    body.message_id === undefined ? { slug: (body.link ?? '').replace(/^.*\$/, '') } : { message_id: body.message_id };
  const end = await startPayment(ask.telegram, chat, place, body.lose);
  const { kind, ...facts } = end;
  return kind === 'timeout'
    ? { ok: false, error_message: 'The bot did not answer the pre_checkout_query within 10 seconds.' }
    : { ok: kind === 'paid', ...facts };
}

async function postRefund(ask: Ask) {
  const chat = knownChat(ask);
  const { charge_id, by } = await jsonBody(ask, refund);
  const transaction = ask.telegram.store.transactions.get(charge_id);
  if (transaction === undefined || transaction.chat !== chat.id) {
    throw new ControlError(404, `Chat ${chat.id} has no charge ${charge_id}.`);
  }
  if (transaction.refund !== undefined) throw new ControlError(409, 'CHARGE_ALREADY_REFUNDED');
  ask.telegram.store.commit(refunded(ask.telegram, transaction, by));
  return { ok: true };
}

function journal({ telegram, url }: Ask) {
  const method = url.searchParams.get('method')?.toLowerCase();
  const chat = url.searchParams.get('chat');
  return telegram.store.journal.filter(
    (entry) =>
      (method === undefined || method === '' || entry.method.toLowerCase() === method) &&
      (chat === null || entry.chat === Number(chat)),
  );
}

function clearFaults({ telegram }: Ask) {
  telegram.faults.clear();
  return { ok: true };
}

async function sendStored({ telegram, request, response, part }: Ask) {
  const file = telegram.store.files.get(part('file'));
  if (file === undefined) throw new ControlError(404, 'There is no such file.');
  const headers = { 'content-type': file.mime, 'cache-control': 'private, max-age=31536000, immutable' };
  await sendBytes(request, response, telegram.files.absolute(file), headers);
  return handled;
}

async function sendSample({ samples, request, response, part }: Ask) {
  if (!samples.names().includes(part('photo'))) throw new ControlError(404, 'There is no such photo.');
  await sendBytes(request, response, join(samples.directory, part('photo')), { 'content-type': 'image/jpeg' });
  return handled;
}

async function jsonBody<T>(ask: Ask, schema: z.ZodType<T>): Promise<T> {
  const body = await readRequest(ask.request, ask.url, 1 << 20, ask.telegram.files.temporary);
  try {
    if (body.json === undefined) throw new ControlError(400, 'Send a JSON body with content-type application/json.');
    const parsed = schema.safeParse(body.json);
    if (!parsed.success) throw new ControlError(400, z.prettifyError(parsed.error));
    return parsed.data;
  } finally {
    await body.discard();
  }
}
