import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Press, readPress } from '../../src/telegram/button.ts';
import { errorCode } from '../errors.ts';

const button = z.object({ text: z.string(), callback_data: z.string().optional() });
const message = z.object({
  message_id: z.number(),
  from: z.enum(['user', 'bot']),
  text: z.string().optional(),
  caption: z.string().optional(),
  video: z.object({ file_size: z.number().optional(), sha256: z.string().optional() }).optional(),
  reply_markup: z.object({ inline_keyboard: z.array(z.array(button)).optional() }).optional(),
  deleted: z.boolean().optional(),
});
const chat = z.object({ messages: z.array(message) });
export type ChatMessage = z.infer<typeof message>;

/** Something the customer was waiting for did not come. */
export class CustomerWaitError extends Error {
  readonly reason = 'CustomerWaited';
  constructor(what: string, seconds: number, last: ChatMessage | undefined) {
    super(
      `the chat did not show ${what} within ${seconds} s; its last message is ${JSON.stringify(last?.text ?? last?.caption ?? null)}: ` +
        'read the logs of the bot and the controller',
    );
    this.name = 'CustomerWaitError';
  }
}

export interface Customer {
  readonly chat: number;
  /** Both answer the number of the message that was sent: what the bot says to it has a higher one. */
  say(text: string): Promise<number>;
  sendPhoto(path: string): Promise<number>;
  messages(): Promise<ChatMessage[]>;
  /** Presses a button; answers what the button says to the bot, once the bot has answered the press, or soon after. */
  press(on: ChatMessage, wanted: (press: Press) => boolean): Promise<Press>;
  /** Waits for a message of the bot that satisfies `found`. */
  see(what: string, seconds: number, found: (message: ChatMessage) => boolean): Promise<ChatMessage>;
}

/** How long one look at the chat may take before it is tried again. */
const lookMs = 5_000;

/** A customer in the chat, played through the stand-in's control interface. */
export function createCustomer(telegram: string, chatId: number, language: 'ru' | 'en'): Customer {
  const base = `${telegram}/dev/chats/${chatId}`;
  const messages = async (): Promise<ChatMessage[]> => {
    const response = await fetch(base, { signal: AbortSignal.timeout(lookMs) });
    if (response.status === 404) return [];
    return chat.parse(await response.json()).messages.filter(({ deleted }) => deleted !== true);
  };
  return {
    chat: chatId,
    messages,
    say: async (text) => sent(await post(`${base}/messages`, JSON.stringify({ text, language_code: language }))),
    async sendPhoto(path) {
      const form = new FormData();
      form.set('photo', new Blob([readFileSync(path)], { type: 'image/jpeg' }), basename(path));
      form.set('language_code', language);
      return sent(await post(`${base}/messages`, form));
    },
    async press(on, wanted) {
      const found = buttonsOf(on).find(({ press }) => wanted(press));
      if (found === undefined) throw new CustomerWaitError('the button to press', 0, on);
      await post(`${base}/callbacks`, JSON.stringify({ message_id: on.message_id, data: found.data }));
      return found.press;
    },
    async see(what, seconds, found) {
      const deadline = Date.now() + seconds * 1000;
      let last: ChatMessage | undefined;
      for (;;) {
        // A stand-in that is being started again answers a moment later.
        const shown = await messages().catch(() => []);
        const match = shown.findLast((one) => one.from === 'bot' && found(one));
        if (match !== undefined) return match;
        last = shown.at(-1) ?? last;
        if (Date.now() > deadline) throw new CustomerWaitError(what, seconds, last);
        await pause(50);
      }
    },
  };
}

const sentMessage = z.object({ message_id: z.number() });

function sent(body: unknown): number {
  return sentMessage.parse(body).message_id;
}

/** The buttons below a message, with what they say to the bot. */
export function buttonsOf({ reply_markup }: ChatMessage): { press: Press; data: string }[] {
  return (reply_markup?.inline_keyboard ?? []).flat().flatMap(({ callback_data: data }) => {
    const press = data === undefined ? undefined : readPress(data);
    return press === undefined || data === undefined ? [] : [{ press, data }];
  });
}

export function hasButton(on: ChatMessage, kind: Press['kind']): boolean {
  return buttonsOf(on).some(({ press }) => press.kind === kind);
}

async function post(url: string, body: string | FormData): Promise<unknown> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const response = await reached(() =>
    fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(30_000) }),
  );
  if (!response.ok) throw new Error(`the Telegram stand-in refused ${new URL(url).pathname}: ${await response.text()}`);
  return response.json();
}

/** Asked again only while nobody listens, because then nothing was heard: a person taps once. */
async function reached(ask: () => Promise<Response>): Promise<Response> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const nobody = error instanceof Error && errorCode(error.cause) === 'ECONNREFUSED';
      if (!nobody || Date.now() > deadline) throw error;
    }
    await pause(100);
  }
}
