import type { Keyboard } from '../../src/telegram/button.ts';
import type { TelegramClient } from '../../src/telegram/client.ts';
import { TelegramError } from '../../src/telegram/error.ts';
import type { Misdeed } from './luck.ts';
import type { Network } from './network.ts';
import type { Process } from './process.ts';
import { taskOfFilm } from './provider.ts';

/** One message as the person sees it. */
export interface ScreenMessage {
  readonly id: number;
  text: string;
  /** The task whose film it shows. */
  film: string | null;
  isDeleted: boolean;
}

export interface TelegramChatRoom {
  readonly chatId: number;
  readonly messages: ScreenMessage[];
  isBlocked: boolean;
}

/** Telegram: what is on every person's screen. */
export class Telegram {
  readonly rooms = new Map<number, TelegramChatRoom>();
  /** Every film that was ever put on a screen. */
  readonly shown: { chatId: number; messageId: number; film: string; at: number }[] = [];
  /** Updates that are not sent again. */
  readonly confirmed = new Set<number>();
  /** Taps whose buttons turn no more. */
  readonly answered = new Set<string>();
  readonly #films = new Map<string, string>();
  readonly #now: () => number;
  #messages = 100;

  constructor(now: () => number) {
    this.#now = now;
  }

  room(chatId: number): TelegramChatRoom {
    const known = this.rooms.get(chatId);
    if (known !== undefined) return known;
    const room = { chatId, messages: [], isBlocked: false };
    this.rooms.set(chatId, room);
    return room;
  }

  send(chatId: number, text: string): number {
    const room = this.#open(chatId, 'sendMessage');
    this.#messages += 1;
    room.messages.push({ id: this.#messages, text, film: null, isDeleted: false });
    return this.#messages;
  }

  edit(chatId: number, messageId: number, text: string): void {
    const message = this.#message(chatId, messageId, 'editMessageText');
    if (message.film !== null) throw refusal('editMessageText', 400, 'there is no text in the message to edit');
    if (message.text === text) throw refusal('editMessageText', 400, 'message is not modified');
    message.text = text;
  }

  show(chatId: number, messageId: number, content: { bytes: Uint8Array } | { fileId: string }): string {
    const message = this.#message(chatId, messageId, 'editMessageMedia');
    const film = 'bytes' in content ? taskOfFilm(content.bytes) : this.#films.get(content.fileId);
    if (film === undefined) throw refusal('editMessageMedia', 400, 'wrong file identifier');
    const fileId = `file-${film}`;
    if (message.film === film) throw refusal('editMessageMedia', 400, 'message is not modified');
    this.#films.set(fileId, film);
    message.film = film;
    this.shown.push({ chatId, messageId, film, at: this.#now() });
    return fileId;
  }

  /** So that what follows can be taken back as if it had never been asked for. */
  snapshot(): () => void {
    const rooms = [...this.rooms.values()].map((room) => ({
      room,
      messages: room.messages.map((one) => ({ ...one })),
    }));
    const shown = this.shown.length;
    const confirmed = [...this.confirmed];
    const answered = [...this.answered];
    return () => {
      this.shown.length = shown;
      refill(this.confirmed, confirmed);
      refill(this.answered, answered);
      for (const { room, messages } of rooms) room.messages.splice(0, room.messages.length, ...messages);
    };
  }

  remove(chatId: number, messageId: number): void {
    const message = this.room(chatId).messages.find(({ id }) => id === messageId);
    if (message !== undefined) message.isDeleted = true;
  }

  #open(chatId: number, method: string): TelegramChatRoom {
    const room = this.room(chatId);
    if (room.isBlocked) throw refusal(method, 403, 'Forbidden: bot was blocked by the user');
    return room;
  }

  #message(chatId: number, messageId: number, method: string): ScreenMessage {
    const room = this.#open(chatId, method);
    const message = room.messages.find(({ id, isDeleted }) => id === messageId && !isDeleted);
    if (message === undefined) throw refusal(method, 400, 'Bad Request: message to edit not found');
    return message;
  }
}

function refill<T>(set: Set<T>, values: readonly T[]): void {
  set.clear();
  for (const value of values) set.add(value);
}

function refusal(method: string, errorCode: number, description: string, retryAfter?: number): TelegramError {
  return new TelegramError(method, { httpStatus: errorCode, errorCode, description, retryAfter });
}

const calling: readonly Misdeed[] = ['before', 'after', 'delayed', 'kill before', 'kill after', 'pause', 'busy'];

/** Telegram as one process of ours reaches it. */
export function telegramDoor(network: Network, telegram: Telegram, process: Process, about?: string): TelegramClient {
  const answer = <T>(
    effect: string,
    perform: () => T,
    signal: AbortSignal | undefined,
    limitMs: number,
    misdeeds = calling,
  ): Promise<T> =>
    network.ask<T>({
      ...{ process, side: 'telegram', effect, about, misdeeds, perform, signal, limitMs },
      lost: () => ({ error: new TelegramError(effect, { networkError: 'ECONNRESET' }) }),
      unsent: () => ({ error: new TelegramError(effect, { networkError: 'ECONNREFUSED' }) }),
      instead: ({ misdeed, ms }) => ({
        error:
          misdeed === 'busy'
            ? refusal(effect, 429, 'Too Many Requests', 1 + (ms % 20))
            : refusal(effect, 413, 'Request Entity Too Large: file is too big'),
      }),
    });
  const absent = (): Promise<never> => Promise.reject(new TelegramError('none', { networkError: 'ECONNREFUSED' }));
  return {
    getUpdates: absent,
    sendMessage: (chatId: number, html: string, _keyboard: Keyboard, { signal } = {}) =>
      answer('sendMessage', () => telegram.send(chatId, html), signal, 15_000),
    editMessageText: (chatId, messageId, html, _keyboard, signal) =>
      unlessDone(answer('editMessageText', () => telegram.edit(chatId, messageId, html), signal, 15_000)),
    editKeyboard: absent,
    deleteMessage: (chatId, messageId) =>
      answer('deleteMessage', () => telegram.remove(chatId, messageId), undefined, 15_000),
    answerCallback: (tap) => answer('answer the tap', () => void telegram.answered.add(tap), undefined, 15_000),
    answerCheckout: absent,
    sendInvoice: absent,
    refundStars: absent,
    getStarTransactions: absent,
    async editMessageVideo({ chatId, messageId, content }, signal) {
      const perform = (): string => telegram.show(chatId, messageId, content);
      return unlessDone(answer('editMessageMedia', perform, signal, 60_000, [...calling, 'twice', 'refused'])).then(
        (fileId) => fileId ?? null,
      );
    },
    download: absent,
    username: absent,
    setWebhook: absent,
    deleteWebhook: absent,
    setCommands: absent,
    setDescription: absent,
  };
}

/** "Not modified" is what was wished for. */
async function unlessDone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TelegramError && error.meaning === 'done') return undefined;
    throw error;
  }
}
