import type { FailureClass } from '../failure/classes.ts';
import type { Language } from '../texts/language.ts';
import { textsIn } from '../texts/texts.ts';
import { createTelegramClient, type TelegramClient, type TelegramOptions } from './client.ts';
import { TelegramError } from './error.ts';

/*
 * A chat as delivery sees it: the shapes are those of `Chat` in src/delivery, which this door may not import.
 */

/** What Telegram said about one call. `refused` is a definite answer to this very call; `unknown` says nothing. */
type Answer =
  | { kind: 'done'; messageId: number; fileId: string | null }
  | {
      kind: 'refused';
      meaning: 'final' | 'unreachable' | 'missing-message' | 'retry';
      failureClass: FailureClass;
      retryAfterSeconds: number;
    }
  | { kind: 'unknown'; failureClass: FailureClass };

interface Video {
  orderId: string;
  chatId: number;
  messageId: number;
  language: Language;
  unitPrice: number;
  content: { bytes: Uint8Array } | { fileId: string };
  facts: { seconds: number; width: number; height: number };
}

export interface TelegramChat {
  showVideo(video: Video, signal: AbortSignal): Promise<Answer>;
  sendPlaceholder(chatId: number, language: Language, signal: AbortSignal): Promise<Answer>;
}

/** A chat over the Bot API. No call is repeated here. */
export function createTelegramChat(options: TelegramOptions): TelegramChat {
  return chatOver(createTelegramClient(options));
}

/** The same over a client that exists already. */
export function chatOver(client: TelegramClient): TelegramChat {
  return {
    async showVideo(video, signal) {
      const texts = textsIn(video.language);
      const { orderId, unitPrice, chatId, messageId } = video;
      const again = { kind: 'again', order: orderId, turn: 1, price: unitPrice } as const;
      try {
        const fileId = await client.editMessageVideo(
          {
            chatId,
            messageId,
            content: video.content,
            fileName: `neurocards-${orderId}.mp4`,
            html: texts.videoCaption,
            keyboard: [[{ text: texts.again(unitPrice), press: again }]],
            ...video.facts,
          },
          signal,
        );
        return { kind: 'done', messageId, fileId };
      } catch (error) {
        return answerOf(error, messageId);
      }
    },
    async sendPlaceholder(chatId, language, signal) {
      try {
        const messageId = await client.sendMessage(chatId, textsIn(language).placeholder, [], { silent: true, signal });
        return { kind: 'done', messageId, fileId: null };
      } catch (error) {
        return answerOf(error, 0);
      }
    },
  };
}

function answerOf(error: unknown, messageId: number): Answer {
  if (!(error instanceof TelegramError)) throw error;
  const { reason: failureClass, retryAfterSeconds } = error;
  switch (error.meaning) {
    case 'done':
      return { kind: 'done', messageId, fileId: null };
    case 'unknown':
      return { kind: 'unknown', failureClass };
    case 'retry-later':
      return { kind: 'refused', meaning: 'retry', failureClass, retryAfterSeconds };
    case 'refused':
      return { kind: 'refused', meaning: 'final', failureClass, retryAfterSeconds };
    case 'unreachable':
    case 'missing-message':
      return { kind: 'refused', meaning: error.meaning, failureClass, retryAfterSeconds };
  }
}
