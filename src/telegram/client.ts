import { Api, GrammyError, HttpError, InputFile, type RawApi } from 'grammy';
import { z } from 'zod';
import type { FailureClass } from '../failure/classes.ts';
import type { Language } from '../texts/language.ts';
import { inlineKeyboard, type Keyboard } from './button.ts';
import { downloadFile } from './download.ts';
import { TelegramError } from './error.ts';
import { type StarCalls, starCalls } from './stars.ts';
import { allowedUpdates, updatesAtOnce } from './update.ts';

export interface TelegramOptions {
  token: string;
  /** `https://api.telegram.org`, or a stand-in. */
  apiRoot: string;
  /** Told of every call: its method and `ok` or a failure class. */
  onRequest?: (method: string, outcome: 'ok' | FailureClass) => void;
}

export interface TelegramClient extends StarCalls {
  /** Waits up to `timeoutSeconds`; answers raw updates from `offset` on, which confirms those before it. */
  getUpdates(offset: number, timeoutSeconds: number, signal: AbortSignal): Promise<unknown[]>;
  /** Sends HTML text; answers the message id. */
  sendMessage(chatId: number, html: string, keyboard: Keyboard, options?: SendOptions): Promise<number>;
  editMessageText(
    chatId: number,
    messageId: number,
    html: string,
    keyboard: Keyboard,
    signal?: AbortSignal,
  ): Promise<void>;
  editKeyboard(chatId: number, messageId: number, keyboard: Keyboard, signal?: AbortSignal): Promise<void>;
  /** A message of ours that nobody needs; one that is gone already is no failure. */
  deleteMessage(chatId: number, messageId: number): Promise<void>;
  answerCallback(callbackId: string, text?: string, alert?: boolean): Promise<void>;
  /** Turns a message into a video; answers its file id. */
  editMessageVideo(video: VideoMessage, signal?: AbortSignal): Promise<string | null>;
  /** The bytes of a file somebody sent; throws TelegramError, or FileTooBigError above `maxBytes`. */
  download(fileId: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** The bot's own name, without the @. */
  username(): Promise<string>;
  setWebhook(url: string, secret: string): Promise<void>;
  deleteWebhook(): Promise<void>;
  setCommands(commands: readonly { command: string; description: string }[], language?: Language): Promise<void>;
  setDescription(description: string, language?: Language): Promise<void>;
}

export interface SendOptions {
  /** No sound: for progress. */
  silent?: boolean;
  signal?: AbortSignal;
}

export interface VideoMessage {
  chatId: number;
  messageId: number;
  content: { bytes: Uint8Array } | { fileId: string };
  fileName: string;
  html: string;
  keyboard: Keyboard;
  seconds: number;
  width: number;
  height: number;
}

const callMs = 15_000;
const uploadMs = 60_000;
const message = z.object({ message_id: z.int() });
const videoMessage = z.object({ video: z.object({ file_id: z.string() }).optional() });
const file = z.object({ file_path: z.string() });
const self = z.object({ username: z.string() });

/**
 * The Bot API calls we make, each made exactly once: whoever calls decides about repeating. 15 s for a call, 60 s for an upload.
 * Every failure is a TelegramError; the token appears in none of them.
 */
export function createTelegramClient({ token, apiRoot, onRequest }: TelegramOptions): TelegramClient {
  // grammY's own limit is a net above ours, and above a long poll.
  const { raw } = new Api(token, { apiRoot, timeoutSeconds: 90 });

  async function call(
    method: string,
    request: (signal: GrammySignal) => Promise<unknown>,
    signal?: AbortSignal,
    limitMs = callMs,
  ): Promise<unknown> {
    const limit = AbortSignal.timeout(limitMs);
    const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    try {
      both.throwIfAborted();
      const answer = await request(grammySignal(both));
      onRequest?.(method, 'ok');
      return answer;
    } catch (error) {
      const failure = telegramError(method, error, limit.aborted);
      onRequest?.(method, failure.meaning === 'done' ? 'ok' : failure.reason);
      throw failure;
    }
  }

  const html = { parse_mode: 'HTML', link_preview_options: { is_disabled: true } } as const;
  return {
    async getUpdates(offset, timeoutSeconds, signal) {
      const args = { offset, timeout: timeoutSeconds, limit: updatesAtOnce, allowed_updates: [...allowedUpdates] };
      const answer = await call('getUpdates', (s) => raw.getUpdates(args, s), signal, timeoutSeconds * 1000 + callMs);
      return z.array(z.unknown()).parse(answer);
    },
    async sendMessage(chatId, text, keyboard, { silent = false, signal } = {}) {
      const args = { chat_id: chatId, text, ...html, disable_notification: silent, ...markup(keyboard) };
      return message.parse(await call('sendMessage', (s) => raw.sendMessage(args, s), signal)).message_id;
    },
    async editMessageText(chatId, messageId, text, keyboard, signal) {
      const args = { chat_id: chatId, message_id: messageId, text, ...html, ...markup(keyboard) };
      await unlessDone(call('editMessageText', (s) => raw.editMessageText(args, s), signal));
    },
    async editKeyboard(chatId, messageId, keyboard, signal) {
      const args = { chat_id: chatId, message_id: messageId, reply_markup: inlineKeyboard(keyboard) };
      await unlessDone(call('editMessageReplyMarkup', (s) => raw.editMessageReplyMarkup(args, s), signal));
    },
    async deleteMessage(chatId, messageId) {
      try {
        await call('deleteMessage', (s) => raw.deleteMessage({ chat_id: chatId, message_id: messageId }, s));
      } catch (error) {
        if (!(error instanceof TelegramError && error.meaning === 'missing-message')) throw error;
      }
    },
    async answerCallback(callbackId, text, alert = false) {
      const args = { callback_query_id: callbackId, ...(text === undefined ? {} : { text, show_alert: alert }) };
      await call('answerCallbackQuery', (s) => raw.answerCallbackQuery(args, s));
    },
    ...starCalls(raw, call),
    editMessageVideo: (video, signal) => editVideo(raw, call, video, signal),
    async download(fileId, maxBytes, signal) {
      const { file_path } = file.parse(await call('getFile', (s) => raw.getFile({ file_id: fileId }, s), signal));
      return downloadFile({ apiRoot, token, path: file_path, maxBytes, signal, onRequest });
    },
    async username() {
      return self.parse(await call('getMe', (s) => raw.getMe(s))).username;
    },
    async setWebhook(url, secret) {
      const args = { url, secret_token: secret, allowed_updates: [...allowedUpdates] };
      await call('setWebhook', (s) => raw.setWebhook(args, s));
    },
    async deleteWebhook() {
      await call('deleteWebhook', (s) => raw.deleteWebhook({ drop_pending_updates: false }, s));
    },
    async setCommands(commands, language) {
      const args = { commands: [...commands], ...(language === undefined ? {} : { language_code: language }) };
      await call('setMyCommands', (s) => raw.setMyCommands(args, s));
    },
    async setDescription(description, language) {
      const args = { short_description: description, ...(language === undefined ? {} : { language_code: language }) };
      await call('setMyShortDescription', (s) => raw.setMyShortDescription(args, s));
    },
  };
}

type GrammySignal = NonNullable<Parameters<RawApi['getMe']>[0]>;
/** Makes one call, within `limitMs`; throws TelegramError. */
export type Call = (
  method: string,
  request: (signal: GrammySignal) => Promise<unknown>,
  signal?: AbortSignal,
  limitMs?: number,
) => Promise<unknown>;

/** grammY types its signals by an older declaration; the objects are the same. */
function grammySignal(signal: AbortSignal): GrammySignal {
  return signal as unknown as GrammySignal;
}

async function editVideo(
  raw: RawApi,
  call: Call,
  video: VideoMessage,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const args = {
    chat_id: video.chatId,
    message_id: video.messageId,
    media: {
      type: 'video' as const,
      media: 'fileId' in video.content ? video.content.fileId : new InputFile(video.content.bytes, video.fileName),
      caption: video.html,
      parse_mode: 'HTML' as const,
      duration: Math.max(1, Math.round(video.seconds)),
      width: video.width,
      height: video.height,
      supports_streaming: true,
    },
    ...markup(video.keyboard),
  };
  const answer = await call('editMessageMedia', (s) => raw.editMessageMedia(args, s), signal, uploadMs);
  const read = videoMessage.safeParse(answer);
  return read.success ? (read.data.video?.file_id ?? null) : null;
}

function markup(keyboard: Keyboard): { reply_markup?: ReturnType<typeof inlineKeyboard> } {
  return keyboard.length === 0 ? {} : { reply_markup: inlineKeyboard(keyboard) };
}

/** "Message is not modified" means that it looks as it shall. */
async function unlessDone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof TelegramError && error.meaning === 'done')) throw error;
  }
}

function telegramError(method: string, error: unknown, late: boolean): TelegramError {
  if (error instanceof GrammyError) {
    const retryAfter = error.parameters.retry_after;
    return new TelegramError(method, { errorCode: error.error_code, description: error.description, retryAfter });
  }
  if (late) return new TelegramError(method, { networkError: 'no answer in time' });
  const inner: unknown = error instanceof HttpError ? error.error : error;
  const code: unknown = inner instanceof Error ? (Reflect.get(inner, 'code') ?? Reflect.get(inner, 'type')) : undefined;
  return new TelegramError(method, { networkError: typeof code === 'string' ? code : 'no answer' });
}
