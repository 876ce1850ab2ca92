import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { checkout } from '../places.ts';
import { type ChatMessage, type Customer, createCustomer, hasButton } from './customer.ts';
import type { View } from './view.ts';

/** One order of the script: which it was and whether it went as it should. */
export interface PlayedOrder {
  order: string;
  chat: number;
  title: string;
  expected: 'captured' | 'released';
  /** Of the tap in the chat, by this machine's clock. */
  tappedAt: Date;
}

export interface ScriptTools {
  telegram: string;
  databaseUrl: string;
  view: View;
  /** Chats of this run, so that a kept state does not mix runs. */
  firstChat: number;
}

const photos = join(checkout, 'dev/photos');
const screenSeconds = 15;
const orderSeconds = 180;

/** The three orders: a cup that becomes a video, a person in the photo that is refused, and Generate Again. */
export async function playScript(tools: ScriptTools): Promise<PlayedOrder[]> {
  const { view, telegram, firstChat } = tools;
  const first = createCustomer(telegram, firstChat, 'en');
  const second = createCustomer(telegram, firstChat + 1, 'ru');
  const played: PlayedOrder[] = [];

  view.heading('1  A coffee cup becomes a video');
  const cup = await order(
    first,
    'coffee cup',
    'coffee-cup.jpg',
    'A hand-made coffee cup, 250 ml, keeps warm for an hour',
    'captured',
    tools,
  );
  played.push(cup);
  await finished(first, cup, tools);

  view.heading('2  A person in the photo: refused, credits back, told why');
  const person = await order(
    second,
    'person in the photo',
    'person.jpg',
    'Космический костюм для праздника',
    'released',
    tools,
  );
  played.push(person);
  await finished(second, person, tools);

  view.heading('3  Generate Again');
  const again = await generateAgain(first, tools);
  played.push(again);
  await finished(first, again, tools);
  return played;
}

async function order(
  customer: Customer,
  title: string,
  photo: string,
  text: string,
  expected: PlayedOrder['expected'],
  tools: ScriptTools,
): Promise<PlayedOrder> {
  const { view } = tools;
  await welcome(customer, view);
  await customer.sendPhoto(join(photos, photo));
  const asked = await customer.see(
    'the question for the text',
    screenSeconds,
    (one) => !hasButton(one, 'accept') && !hasButton(one, 'new') && isLatestQuestion(one),
  );
  view.step(`photo sent (${photo})`);
  await customer.say(text);
  const templates = await customer.see(
    'the templates',
    screenSeconds,
    (one) => hasButton(one, 'template') && one.message_id > asked.message_id - 1,
  );
  await customer.press(templates, (press) => press.kind === 'template' && press.template === 'ad');
  const next = await customer.see(
    'wishes or confirmation',
    screenSeconds,
    (one) => hasButton(one, 'skip') || hasButton(one, 'create'),
  );
  if (hasButton(next, 'skip')) await customer.press(next, (press) => press.kind === 'skip');
  const confirm = await customer.see('the confirmation', screenSeconds, (one) => hasButton(one, 'create'));
  view.step(`confirmation: ${oneLine(confirm)}`);
  const known = await orderIds(tools.databaseUrl);
  const tappedAt = new Date();
  await customer.press(confirm, (press) => press.kind === 'create');
  const id = await newOrder(tools.databaseUrl, known);
  view.step(`order ${id} placed, credits held`);
  return { order: id, chat: customer.chat, title, expected, tappedAt };
}

async function generateAgain(customer: Customer, tools: ScriptTools): Promise<PlayedOrder> {
  const video = await customer.see('a video with Generate Again', screenSeconds, (one) => hasButton(one, 'again'));
  const known = await orderIds(tools.databaseUrl);
  const tappedAt = new Date();
  await customer.press(video, (press) => press.kind === 'again');
  const id = await newOrder(tools.databaseUrl, known);
  tools.view.step(`order ${id} placed with one tap, credits held`);
  return { order: id, chat: customer.chat, title: 'Generate Again', expected: 'captured', tappedAt };
}

async function welcome(customer: Customer, view: View): Promise<void> {
  await customer.say('/start');
  const consent = await customer.see('the consent screen', screenSeconds, (one) => hasButton(one, 'accept'));
  await customer.press(consent, (press) => press.kind === 'accept');
  const welcomed = await customer.see(
    'the welcome',
    screenSeconds,
    (one) => one.message_id >= consent.message_id && !hasButton(one, 'accept'),
  );
  view.step(`customer ${customer.chat} accepted the terms: ${oneLine(welcomed)}`);
}

function isLatestQuestion(one: ChatMessage): boolean {
  return one.text !== undefined;
}

const orderRow = z.object({ order_id: z.string() });
const settledRow = z.object({ state: z.string(), reason: z.string().nullable() });

async function finished(
  customer: Customer,
  { order: id, expected }: PlayedOrder,
  { databaseUrl, view }: ScriptTools,
): Promise<void> {
  const start = Date.now();
  let progress = '';
  for (;;) {
    const shown = await customer.messages();
    const latest = shown.findLast((one) => one.from === 'bot');
    const text = latest === undefined ? '' : oneLine(latest);
    if (text !== progress && text !== '') view.note(text);
    progress = text;
    const row = await settledOrder(databaseUrl, id);
    if (row !== undefined && row.state !== 'held') {
      const fine = row.state === expected;
      (fine ? view.good : view.bad)(`${id} ${row.state}: ${row.reason ?? ''}`);
      return;
    }
    if (Date.now() - start > orderSeconds * 1000)
      throw new Error(`order ${id} was not settled within ${orderSeconds} s: npm run admin -- order show ${id}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function query<T>(url: string, sql: string, values: unknown[], row: z.ZodType<T>): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql, values);
    return z.array(row).parse(rows);
  } finally {
    await client.end();
  }
}

async function orderIds(url: string): Promise<ReadonlySet<string>> {
  const rows = await query(url, 'select order_id from ledger.orders', [], orderRow);
  return new Set(rows.map((row) => row.order_id));
}

async function newOrder(url: string, known: ReadonlySet<string>): Promise<string> {
  const deadline = Date.now() + screenSeconds * 1000;
  for (;;) {
    const found = [...(await orderIds(url))].find((id) => !known.has(id));
    if (found !== undefined) return found;
    if (Date.now() > deadline)
      throw new Error(`no order was placed within ${screenSeconds} s: read the log of the bot`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function settledOrder(url: string, id: string): Promise<z.infer<typeof settledRow> | undefined> {
  const rows = await query(url, 'select state, reason from ledger.holds where order_id = $1', [id], settledRow);
  return rows[0];
}

/** The words of a message on one line, as far as a line goes. */
export function oneLine(message: ChatMessage): string {
  const text = (message.text ?? message.caption ?? (message.video ? 'video' : '')).replaceAll(/\s+/g, ' ').trim();
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}
