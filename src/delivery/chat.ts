import type { FailureClass } from '../failure/classes.ts';
import type { Language } from '../ledger/people.ts';
import type { StoredVideoFacts } from './delivery.ts';

/** What Telegram said about one call. `refused` is a definite answer to this very call; `unknown` says nothing. */
export type ChatAnswer =
  | { kind: 'done'; messageId: number; fileId: string | null }
  | {
      kind: 'refused';
      meaning: 'final' | 'unreachable' | 'missing-message' | 'retry';
      failureClass: FailureClass;
      retryAfterSeconds: number;
    }
  | { kind: 'unknown'; failureClass: FailureClass };

export interface VideoToShow {
  orderId: string;
  chatId: number;
  messageId: number;
  language: Language;
  unitPrice: number;
  /** The bytes to upload, or the file id of an earlier upload. */
  content: { bytes: Uint8Array } | { fileId: string };
  facts: StoredVideoFacts;
}

/** A Telegram chat as delivery needs it. No method retries by itself. */
export interface Chat {
  /** `editMessageMedia`: repeating it cannot make a second video. "Not modified" is `done`. */
  showVideo(video: VideoToShow, signal: AbortSignal): Promise<ChatAnswer>;
  /** The short text that will become the video where the progress message is gone. */
  sendPlaceholder(chatId: number, language: Language, signal: AbortSignal): Promise<ChatAnswer>;
}
