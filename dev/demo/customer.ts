import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Press, readPress } from '../../src/telegram/button.ts';

const button = z.object({ text: z.string(), callback_data: z.string().optional() });
const message = z.object({
  message_id: z.number(),
  from: z.enum(['user', 'bot']),
  text: z.string().optional(),
  caption: z.string().optional(),
  video: z.object({ file_size: z.number().optional() }).optional(),
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
  say(text: string): Promise<void>;
  sendPhoto(path: string): Promise<void>;
  messages(): Promise<ChatMessage[]>;
  /** Presses a button and answers when the bot has answered the press, or soon after. */
  press(on: ChatMessage, wanted: (press: Press) => boolean): Promise<void>;
  /** Waits for a message of the bot that satisfies `found`. */
  see(what: string, seconds: number, found: (message: ChatMessage) => boolean): Promise<ChatMessage>;
}

/** A customer in the chat, played through the stand-in's control interface. */
export function createCustomer(telegram: string, chatId: number, language: 'ru' | 'en'): Customer {
  const base = `${telegram}/dev/chats/${chatId}`;
  const messages = async (): Promise<ChatMessage[]> => {
    const response = await fetch(base);
    if (response.status === 404) return [];
    return chat.parse(await response.json()).messages.filter(({ deleted }) => deleted !== true);
  };
  return {
    chat: chatId,
    messages,
    say: (text) => post(`${base}/messages`, JSON.stringify({ text, language_code: language })),
    async sendPhoto(path) {
      const form = new FormData();
      form.set('photo', new Blob([readFileSync(path)], { type: 'image/jpeg' }), basename(path));
      form.set('language_code', language);
      await post(`${base}/messages`, form);
    },
    async press(on, wanted) {
      const data = buttonsOf(on).find(({ press }) => wanted(press))?.data;
      if (data === undefined) throw new CustomerWaitError('the button to press', 0, on);
      await post(`${base}/callbacks`, JSON.stringify({ message_id: on.message_id, data }));
    },
    async see(what, seconds, found) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const shown = await messages();
        const match = shown.findLast((one) => one.from === 'bot' && found(one));
        if (match !== undefined) return match;
        if (Date.now() > deadline) throw new CustomerWaitError(what, seconds, shown.at(-1));
        await pause(50);
      }
    },
  };
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

async function post(url: string, body: string | FormData): Promise<void> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the Telegram stand-in refused ${new URL(url).pathname}: ${await response.text()}`);
}
