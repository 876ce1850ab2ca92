import { join } from 'node:path';
import type { Press } from '../../src/telegram/button.ts';
import { childJobName, videoJobName } from '../../src/videojob/names.ts';
import { checkout } from '../places.ts';
import { type Books, openBooks } from './books.ts';
import { buttonsOf, type ChatMessage, type Customer, createCustomer, hasButton } from './customer.ts';
import { until } from './until.ts';
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

export interface ScriptPlaces {
  telegram: string;
  databaseUrl: string;
  view: View;
  /** Chats of this run, so that a kept state does not mix runs. */
  firstChat: number;
}

interface Tools {
  view: View;
  books: Books;
}

const photos = join(checkout, 'dev/photos');
/** Generous, because the machine may be busy: what takes longer is broken. */
const screenSeconds = 60;
const orderSeconds = 300;

/** The three orders: a cup that becomes a video, a person in the photo that is refused, and Generate Again. */
export async function playScript({ telegram, databaseUrl, view, firstChat }: ScriptPlaces): Promise<PlayedOrder[]> {
  const first = createCustomer(telegram, firstChat, 'en');
  const second = createCustomer(telegram, firstChat + 1, 'ru');
  const tools = { view, books: openBooks(databaseUrl) };
  try {
    view.heading('1  A coffee cup becomes a video');
    const cup = await order(first, coffeeCup, tools);
    await settled(first, cup, tools);

    view.heading('2  A person in the photo: refused, credits back, told why');
    const person = await order(second, personInPhoto, tools);
    await settled(second, person, tools);

    view.heading('3  Generate Again');
    const again = await generateAgain(first, cup.order, tools);
    await settled(first, again, tools);
    return [cup, person, again];
  } finally {
    await tools.books.close();
  }
}

interface Wish {
  title: string;
  photo: string;
  text: string;
  expected: PlayedOrder['expected'];
}

const coffeeCup: Wish = {
  title: 'coffee cup',
  photo: 'coffee-cup.jpg',
  text: 'A hand-made coffee cup, 250 ml, keeps warm for an hour',
  expected: 'captured',
};

const personInPhoto: Wish = {
  title: 'person in the photo',
  photo: 'person.jpg',
  text: 'Космический костюм для праздника',
  expected: 'released',
};

async function order(customer: Customer, wish: Wish, { view, books }: Tools): Promise<PlayedOrder> {
  await welcome(customer, view);
  const photo = await customer.sendPhoto(join(photos, wish.photo));
  view.step(`photo sent (${wish.photo})`);
  await customer.see('the question for the text', screenSeconds, (one) => one.message_id > photo);
  await customer.say(wish.text);
  const templates = await customer.see('the templates', screenSeconds, (one) => hasButton(one, 'template'));
  const chosen = await customer.press(templates, (press) => press.kind === 'template' && press.template === 'ad');
  const nonce = nonceOf(chosen);
  const wishes = await customer.see('the question for wishes', screenSeconds, (one) => hasNonce(one, 'skip', nonce));
  await customer.press(wishes, (press) => press.kind === 'skip');
  const confirm = await customer.see('the confirmation', screenSeconds, (one) => hasNonce(one, 'create', nonce));
  view.step(`confirmation: ${oneLine(confirm)}`);
  const tappedAt = new Date();
  await customer.press(confirm, (press) => press.kind === 'create');
  const id = await placed(nonce, books);
  view.step(`order ${id} placed, credits held, ${videoJobName(id)} on its way to the API server`);
  return { order: id, chat: customer.chat, title: wish.title, expected: wish.expected, tappedAt };
}

async function generateAgain(customer: Customer, shown: string, { view, books }: Tools): Promise<PlayedOrder> {
  const isAgain = (press: Press): boolean => press.kind === 'again' && press.order === shown;
  const video = await customer.see('a video with Generate Again', screenSeconds, (one) =>
    buttonsOf(one).some(({ press }) => isAgain(press)),
  );
  const tappedAt = new Date();
  const pressed = await customer.press(video, isAgain);
  const id = await placed(nonceOf(pressed), books);
  view.step(`order ${id} placed with one tap, credits held, ${videoJobName(id)} on its way to the API server`);
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

/** The ledger knows each tap by the nonce on its button: no other order can be taken for this one. */
function placed(nonce: string, books: Books): Promise<string> {
  return until('the order (see the log of the bot)', screenSeconds, () => books.orderOf(nonce));
}

function nonceOf(press: Press): string {
  if (press.kind === 'again') return `again:${press.order}:${press.turn}`;
  if ('nonce' in press) return press.nonce;
  throw new Error(`the button ${press.kind} places no order`);
}

function hasNonce(on: ChatMessage, kind: Press['kind'], nonce: string): boolean {
  return buttonsOf(on).some(({ press }) => press.kind === kind && 'nonce' in press && press.nonce === nonce);
}

const stages = { generation: 'generate', delivery: 'deliver' } as const;

/** Tells what the person reads and which Jobs run, until the credits are settled. */
async function settled(customer: Customer, played: PlayedOrder, { view, books }: Tools): Promise<void> {
  const { order: id, expected } = played;
  const name = videoJobName(id);
  let told = '';
  let jobs = 0;
  const look = async () => {
    const progress = await books.progressOf(id);
    for (const { stage, n } of progress.jobs.slice(jobs)) view.step(`Job ${childJobName(name, stages[stage], n)}`);
    jobs = Math.max(jobs, progress.jobs.length);
    const latest = (await customer.messages().catch(() => [])).findLast((one) => one.from === 'bot');
    const text = latest === undefined ? '' : oneLine(latest);
    if (text !== told && text !== '') view.note(text);
    told = text === '' ? told : text;
    return progress.state === 'held' ? undefined : progress;
  };
  const end = await until(`the end of order ${id} (npm run admin -- order show ${id})`, orderSeconds, look);
  (end.state === expected ? view.good : view.bad)(`${id} ${end.state}: ${end.reason ?? ''}`);
}

/** The words of a message on one line, as far as a line goes. */
function oneLine(message: ChatMessage): string {
  const text = (message.text ?? message.caption ?? (message.video ? 'video' : '')).replaceAll(/\s+/g, ' ').trim();
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}
