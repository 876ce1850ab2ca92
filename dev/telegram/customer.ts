import { setTimeout as sleep } from 'node:timers/promises';
import type { CallbackAnswer } from './callbacks.ts';
import { commandEntities } from './entities.ts';
import type { Chat, FileRecord, StateRecord, StoredMessage } from './model.ts';
import type { Upload } from './parameters.ts';
import { ControlError, Refusal } from './refusal.ts';
import type { Telegram } from './telegram.ts';
import { unixNow } from './telegram.ts';
import { apiMessage, botUser, personUser, privateChat } from './views.ts';

/** What a person does in the chat. Each act writes what it changes and the bot's update in one step. */

const longestText = 4096;
const longestCaption = 1024;

export type Words = {
  readonly text?: string | undefined;
  readonly caption?: string | undefined;
  readonly reply_to_message_id?: number | undefined;
};

/** The chat of that id; it is made when it is new, and follows the person's language. */
export function enterChat(
  telegram: Telegram,
  id: number,
  given: { readonly language_code?: string | undefined; readonly first_name?: string | undefined },
): Chat {
  const known = telegram.store.chats.get(id);
  const chat: Chat = {
    id,
    first_name: given.first_name ?? known?.first_name ?? `Customer ${id}`,
    language_code: given.language_code ?? known?.language_code ?? 'en',
    blocked: known?.blocked ?? false,
  };
  if (known === undefined || JSON.stringify(known) !== JSON.stringify(chat)) {
    telegram.store.commit([{ t: 'chat', chat }]);
  }
  return chat;
}

/** Sends text; above 4,096 characters as several messages, which is what Telegram's apps do. The first one is returned. */
export function sendText(telegram: Telegram, chat: Chat, words: Words): StoredMessage {
  const text = (words.text ?? '').trim();
  if (text === '') throw new ControlError(400, 'The text is empty: no Telegram app sends an empty message.');
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += longestText) parts.push(text.slice(at, at + longestText));
  const [first] = parts.map((part) => {
    const entities = commandEntities(part);
    return write(telegram, chat, words, { text: part, ...(entities.length === 0 ? {} : { entities }) });
  });
  if (first === undefined) throw new ControlError(400, 'The text is empty.');
  return first;
}

/** Sends a picture as a photo (recompressed, as the apps do) or any file as a document (untouched). */
export async function sendFile(
  telegram: Telegram,
  chat: Chat,
  kind: 'photo' | 'document',
  upload: Upload,
  words: Words,
): Promise<StoredMessage> {
  const caption = (words.caption ?? '').trim();
  if (caption.length > longestCaption) {
    throw new ControlError(
      400,
      `The caption has ${caption.length} characters and Telegram's apps allow ${longestCaption}.`,
    );
  }
  const files = kind === 'photo' ? await photoFiles(telegram, upload) : [await telegram.files.document(upload)];
  const id = files.at(-1)?.file_id ?? '';
  const records = files.map((file): StateRecord => ({ t: 'file', file }));
  return write(telegram, chat, words, { [kind]: id, ...(caption === '' ? {} : { caption }) }, records);
}

async function photoFiles(telegram: Telegram, upload: Upload): Promise<FileRecord[]> {
  try {
    return await telegram.files.photo(upload.path);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ControlError(
      400,
      `Telegram's apps cannot send this as a photo (${error.message}); send it as a document instead.`,
    );
  }
}

function write(
  telegram: Telegram,
  chat: Chat,
  words: Words,
  content: Partial<StoredMessage>,
  records: StateRecord[] = [],
): StoredMessage {
  if (telegram.store.chats.get(chat.id)?.blocked === true) {
    throw new ControlError(409, 'The person has blocked the bot and must unblock it before writing.');
  }
  const message: StoredMessage = {
    ...content,
    message_id: telegram.store.nextMessageId(),
    chat: chat.id,
    from: 'user',
    date: unixNow(),
    ...(words.reply_to_message_id === undefined ? {} : { reply_to_message_id: words.reply_to_message_id }),
  };
  // The files first: the update below shows them.
  telegram.store.commit([
    ...records,
    { t: 'message', message },
    ...telegram.updates.record('message', chat.id, withFiles(telegram, message, records)),
  ]);
  return message;
}

/** The message as the bot sees it, although its files are not in the store yet. */
function withFiles(telegram: Telegram, message: StoredMessage, records: readonly StateRecord[]) {
  const files = new Map(telegram.store.files);
  for (const each of records) if (each.t === 'file') files.set(each.file.file_id, each.file);
  const look = { chats: telegram.store.chats, files, message: telegram.store.message.bind(telegram.store) };
  return apiMessage({ store: look, bot: telegram.bot }, message);
}

export type Press = { readonly callback_query_id: string; readonly answered: boolean } & CallbackAnswer;

/**
 * Presses a button. The data need not be on a button of the message now: presses of keyboards that were replaced, and
 * of clients that make data up, reach a bot too.
 * @param waitSeconds how long to wait for the bot's answerCallbackQuery
 */
export async function press(
  telegram: Telegram,
  chat: Chat,
  messageId: number,
  data: string,
  waitSeconds: number,
): Promise<Press> {
  const bytes = Buffer.byteLength(data);
  if (bytes < 1 || bytes > 64) throw new ControlError(400, `The data has ${bytes} bytes; a button holds 1 to 64.`);
  const message = telegram.store.message(chat.id, messageId);
  if (message === undefined) throw new ControlError(404, `Chat ${chat.id} has no message ${messageId}.`);
  const { id, answered } = telegram.callbacks.open(chat.id);
  const query = {
    id,
    from: personUser(chat),
    chat_instance: `${chat.id}${telegram.bot.id}`,
    message:
      message.deleted === true
        ? { chat: privateChat(chat), message_id: messageId, date: 0 }
        : apiMessage(telegram, message),
    data,
  };
  telegram.store.commit(telegram.updates.record('callback_query', chat.id, query));
  const nothing = sleep(waitSeconds * 1000, undefined, { ref: false });
  const answer = await Promise.race([answered, nothing]);
  return { callback_query_id: id, answered: answer !== undefined, ...answer };
}

/** Blocks or unblocks the bot, which hears of it by my_chat_member. */
export function setBlocked(telegram: Telegram, chat: Chat, blocked: boolean): Chat {
  if (chat.blocked === blocked) return chat;
  const next = { ...chat, blocked };
  const member = (isBlocked: boolean) =>
    isBlocked
      ? { user: botUser(telegram.bot), status: 'kicked', until_date: 0 }
      : { user: botUser(telegram.bot), status: 'member' };
  const change = {
    chat: privateChat(chat),
    from: personUser(chat),
    date: unixNow(),
    old_chat_member: member(chat.blocked),
    new_chat_member: member(blocked),
  };
  telegram.store.commit([{ t: 'chat', chat: next }, ...telegram.updates.record('my_chat_member', chat.id, change)]);
  return next;
}

/** Deletes a message for both sides. A bot is not told of that in a private chat. */
export function deleteMessage(telegram: Telegram, chat: Chat, id: number): void {
  const message = telegram.store.message(chat.id, id);
  if (message === undefined || message.deleted === true) {
    throw new ControlError(404, `Chat ${chat.id} has no message ${id}.`);
  }
  telegram.store.commit([{ t: 'message', message: { ...message, deleted: true } }]);
}
