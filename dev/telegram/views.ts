import type { Message, Update, User } from 'grammy/types';
import type { Chat, Entity, FileRecord, StoredMessage } from './model.ts';
import type { Store } from './store.ts';

/** How the bot sees things (Bot API objects) and how the person sees them (the control interface). */

export type BotIdentity = { readonly id: number; readonly username: string; readonly firstName: string };

export function botUser(bot: BotIdentity): User {
  return { id: bot.id, is_bot: true, first_name: bot.firstName, username: bot.username };
}

export function personUser(chat: Chat): User {
  return { id: chat.id, is_bot: false, first_name: chat.first_name, language_code: chat.language_code };
}

export function privateChat(chat: Chat): { id: number; first_name: string; type: 'private' } {
  return { id: chat.id, first_name: chat.first_name, type: 'private' };
}

/** The part of the store that a view needs. */
type Shelf = Pick<Store, 'chats' | 'files' | 'message'>;

type Look = { readonly store: Shelf; readonly bot: BotIdentity };

/** The Bot API `Message`. A reply's original is one level deep, as Telegram sends it. */
export function apiMessage(look: Look, message: StoredMessage, withReply = true): Message {
  const chat = look.store.chats.get(message.chat);
  if (chat === undefined)
    throw new Error(`Message ${message.message_id} names chat ${message.chat}, which is unknown.`);
  const original =
    withReply && message.reply_to_message_id !== undefined
      ? look.store.message(message.chat, message.reply_to_message_id)
      : undefined;
  const inline = message.reply_markup?.inline_keyboard;
  const seen = {
    message_id: message.message_id,
    from: message.from === 'bot' ? botUser(look.bot) : personUser(chat),
    chat: privateChat(chat),
    date: message.date,
    ...(message.edit_date === undefined ? {} : { edit_date: message.edit_date }),
    ...(original === undefined ? {} : { reply_to_message: apiMessage(look, original, false) }),
    ...texts(message),
    ...media(look.store, message),
    ...(message.invoice === undefined ? {} : { invoice: invoiceView(message.invoice) }),
    ...(message.successful_payment === undefined
      ? {}
      : { successful_payment: { ...message.successful_payment, provider_payment_charge_id: '' } }),
    ...(message.refunded_payment === undefined ? {} : { refunded_payment: message.refunded_payment }),
    ...(inline === undefined ? {} : { reply_markup: { inline_keyboard: inline } }),
  };
  // An edge: what the store holds was checked when it came in, and the union types of the Bot API cannot be built up
  // member by member.
  return seen as unknown as Message;
}

function texts(message: StoredMessage) {
  return {
    ...(message.text === undefined ? {} : { text: message.text }),
    ...listed('entities', message.entities),
    ...(message.caption === undefined ? {} : { caption: message.caption }),
    ...listed('caption_entities', message.caption_entities),
  };
}

function listed<K extends string>(name: K, entities: readonly Entity[] | undefined) {
  return entities === undefined || entities.length === 0 ? {} : { [name]: entities };
}

function invoiceView(invoice: NonNullable<StoredMessage['invoice']>) {
  const { title, description, start_parameter, currency, total_amount } = invoice;
  return { title, description, start_parameter, currency, total_amount };
}

function media(store: Shelf, message: StoredMessage) {
  const photo = fileOf(store, message.photo);
  const video = fileOf(store, message.video);
  const document = fileOf(store, message.document);
  return {
    ...(photo === undefined ? {} : { photo: photoSizes(store, photo) }),
    ...(video === undefined ? {} : { video: videoView(store, video) }),
    ...(document === undefined
      ? {}
      : {
          document: {
            file_id: document.file_id,
            file_unique_id: document.file_unique_id,
            file_size: document.size,
            mime_type: document.mime,
            ...(document.name === undefined ? {} : { file_name: document.name }),
          },
        }),
  };
}

function fileOf(store: Shelf, id: string | undefined): FileRecord | undefined {
  return id === undefined ? undefined : store.files.get(id);
}

function photoSizes(store: Shelf, photo: FileRecord) {
  return (photo.sizes ?? [photo.file_id]).flatMap((id) => {
    const size = store.files.get(id);
    return size === undefined ? [] : [photoSize(size)];
  });
}

function photoSize(file: FileRecord) {
  return {
    file_id: file.file_id,
    file_unique_id: file.file_unique_id,
    width: file.width ?? 0,
    height: file.height ?? 0,
    file_size: file.size,
  };
}

function videoView(store: Shelf, file: FileRecord) {
  const thumbnail = fileOf(store, file.thumbnail);
  return {
    ...photoSize(file),
    duration: file.duration ?? 0,
    mime_type: file.mime,
    ...(file.name === undefined ? {} : { file_name: file.name }),
    ...(thumbnail === undefined ? {} : { thumbnail: photoSize(thumbnail) }),
  };
}

/** The update as the bot receives it. */
export function apiUpdate(update: { update_id: number; body: Readonly<Record<string, unknown>> }): Update {
  // An edge: bodies are made from Bot API objects and come back from the log as plain JSON.
  return { update_id: update.update_id, ...update.body } as unknown as Update;
}

/** A message as the person sees it, for the control interface and the chat page. */
export function seenMessage(store: Shelf, message: StoredMessage) {
  const { photo, video, document, invoice, chat, ...rest } = message;
  const shownPhoto = fileOf(store, fileOf(store, photo)?.sizes?.at(-1) ?? photo);
  const shownVideo = fileOf(store, video);
  const shownDocument = fileOf(store, document);
  return {
    chat,
    ...rest,
    ...(shownPhoto === undefined ? {} : { photo: seenFile(shownPhoto) }),
    ...(shownVideo === undefined ? {} : { video: seenFile(shownVideo) }),
    ...(shownDocument === undefined ? {} : { document: seenFile(shownDocument) }),
    ...(invoice === undefined ? {} : { invoice: { ...invoiceView(invoice), paid: invoice.paid !== undefined } }),
  };
}

function seenFile(file: FileRecord) {
  return {
    file_id: file.file_id,
    file_size: file.size,
    ...(file.width === undefined ? {} : { width: file.width }),
    ...(file.height === undefined ? {} : { height: file.height }),
    ...(file.duration === undefined ? {} : { duration: file.duration }),
    sha256: file.sha256,
    mime_type: file.mime,
    ...(file.name === undefined ? {} : { file_name: file.name }),
    ...(file.thumbnail === undefined ? {} : { thumbnail: file.thumbnail }),
  };
}
