import { type Press, readPress } from '../telegram/button.ts';
import type { Message, Update } from '../telegram/update.ts';
import { type Language, languageOf } from '../texts/language.ts';

/** What a person did. */
export type PersonEvent =
  /** `argument` is what follows the command: the code of a link, of a promotion. */
  | { kind: 'command'; name: string; argument: string | null }
  | { kind: 'photo'; file: { id: string; bytes: number | null }; caption: string | null; album: string | null }
  | { kind: 'text'; text: string; sentAt: number }
  /** `press` is undefined for data that we never wrote. */
  | { kind: 'press'; press: Press | undefined; callbackId: string; messageId: number | null }
  /** A file that is not a picture. */
  | { kind: 'file' }
  /** A sticker, a voice message, a place... */
  | { kind: 'other' }
  /** They came back: nothing to say, but what waits for them can be shown. */
  | { kind: 'returned' };

export interface FromPerson {
  telegramId: number;
  language: Language;
  event: PersonEvent;
}

export type Heard =
  | FromPerson
  /** A command in a group: one sentence, no person. */
  | { group: Language }
  | undefined;

/** Reads what happened out of an update; undefined for what does not concern us. */
export function hear(update: Update): Heard {
  const { message, callback_query: callback, my_chat_member: membership } = update;
  if (message !== undefined) {
    if (message.from === undefined || message.from.is_bot === true) return undefined;
    // Booked when it was stored; nothing is left to think about.
    if (message.successful_payment !== undefined || message.refunded_payment !== undefined) return undefined;
    const language = languageOf(message.from.language_code);
    if (message.chat.type !== 'private')
      return message.text?.startsWith('/') === true ? { group: language } : undefined;
    return { telegramId: message.from.id, language, event: eventOf(message) };
  }
  if (callback !== undefined) {
    const event: PersonEvent = {
      kind: 'press',
      press: callback.data === undefined ? undefined : readPress(callback.data),
      callbackId: callback.id,
      messageId: callback.message?.message_id ?? null,
    };
    return { telegramId: callback.from.id, language: languageOf(callback.from.language_code), event };
  }
  if (membership?.chat.type === 'private' && membership.new_chat_member.status === 'member') {
    const language = languageOf(membership.from.language_code);
    return { telegramId: membership.from.id, language, event: { kind: 'returned' } };
  }
  return undefined;
}

function eventOf(message: Message): PersonEvent {
  const largest = message.photo?.at(-1);
  const caption = message.caption?.trim() || null;
  const album = message.media_group_id ?? null;
  if (largest !== undefined) {
    return { kind: 'photo', file: { id: largest.file_id, bytes: largest.file_size ?? null }, caption, album };
  }
  if (message.document !== undefined) {
    const { file_id, file_size, mime_type } = message.document;
    // Some clients do not say what a file is: then its content decides.
    if (!/^image\/|^application\/octet-stream$/.test(mime_type ?? 'image/')) return { kind: 'file' };
    return { kind: 'photo', file: { id: file_id, bytes: file_size ?? null }, caption, album };
  }
  if (message.text === undefined) return { kind: 'other' };
  const [, command, argument] = /^\/([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+([\s\S]*))?$/.exec(message.text) ?? [];
  if (command !== undefined)
    return { kind: 'command', name: command.toLowerCase(), argument: argument?.trim() || null };
  return { kind: 'text', text: message.text, sentAt: message.date };
}
