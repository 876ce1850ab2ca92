import { readMarkup } from '../markup.ts';
import type { Chat, StoredMessage } from '../model.ts';
import { badRequest } from '../refusal.ts';
import type { Call, Method } from '../telegram.ts';
import { unixNow } from '../telegram.ts';
import { apiMessage } from '../views.ts';
import type { MediaKind } from './content.ts';
import { fileRecords, readCaption, readMedia, readText } from './content.ts';
import { chatOf, messageOf, replyOf, writableChatOf } from './target.ts';

type Content = Omit<StoredMessage, 'message_id' | 'chat' | 'from' | 'date'>;

/** A new message of the bot with the markup and the reply that the call asks for. */
export function draft(call: Call, chat: Chat, content: Content): StoredMessage {
  const markup = readMarkup(call.parameters);
  return {
    message_id: 0,
    chat: chat.id,
    from: 'bot',
    date: unixNow(),
    ...content,
    ...(markup === undefined ? {} : { reply_markup: markup }),
    ...replyOf(call, chat),
  };
}

/** What the journal says about a message. */
export function about(message: StoredMessage) {
  const words = message.text ?? message.caption;
  const media = (['photo', 'video', 'document'] as const).find((kind) => message[kind] !== undefined);
  return {
    message_id: message.message_id,
    ...(media === undefined ? {} : { media }),
    ...(words === undefined ? {} : { text: words }),
  };
}

/** Gives the draft its id and writes it. */
export function sent(call: Call, message: StoredMessage, files: ReturnType<typeof fileRecords> = []): unknown {
  const numbered = { ...message, message_id: call.telegram.store.nextMessageId() };
  call.journal.commit([...files, { t: 'message', message: numbered }], about(numbered));
  return apiMessage(call.telegram, numbered);
}

const sendMessage: Method = (call) => {
  const chat = writableChatOf(call);
  const { text, entities } = readText(call, false);
  return sent(call, draft(call, chat, { text, ...(entities.length === 0 ? {} : { entities: [...entities] }) }));
};

const sendMedia =
  (kind: MediaKind): Method =>
  async (call) => {
    const { parameters } = call;
    const caption = readCaption(call);
    const message = draft(call, writableChatOf(call), caption);
    const given = {
      width: parameters.integer('width', 0, 0, 10_000),
      height: parameters.integer('height', 0, 0, 10_000),
      duration: parameters.integer('duration', 0, 0, 86_400),
    };
    const media = await readMedia(call, kind, parameters.text(kind), kind, given, parameters.text('thumbnail'));
    // The person may have blocked the bot while the upload was worked on.
    writableChatOf(call);
    return sent(call, { ...message, ...media.content }, fileRecords(media));
  };

const copyMessage: Method = (call) => {
  const { parameters, telegram } = call;
  const from = chatOf(call, 'from_chat_id');
  const chat = writableChatOf(call);
  const original = messageOf(call, from, parameters.integer('message_id', 0, 0), 'message to copy');
  if (original.invoice !== undefined || original.successful_payment !== undefined) {
    throw badRequest("message can't be copied");
  }
  const { text, entities, photo, video, document } = original;
  const kept = parameters.has('caption')
    ? readCaption(call)
    : {
        ...(original.caption === undefined ? {} : { caption: original.caption }),
        ...(original.caption_entities === undefined ? {} : { caption_entities: original.caption_entities }),
      };
  const message = draft(call, chat, {
    ...(text === undefined ? {} : { text }),
    ...(entities === undefined ? {} : { entities }),
    ...(photo === undefined ? {} : { photo }),
    ...(video === undefined ? {} : { video }),
    ...(document === undefined ? {} : { document }),
    ...(text === undefined ? kept : {}),
  });
  const numbered = { ...message, message_id: telegram.store.nextMessageId() };
  call.journal.commit([{ t: 'message', message: numbered }], about(numbered));
  return { message_id: numbered.message_id };
};

const actions = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
]);

const sendChatAction: Method = (call) => {
  const chat = writableChatOf(call);
  const action = call.parameters.text('action');
  if (!actions.has(action)) throw badRequest('wrong parameter action in request');
  call.journal.commit([]);
  call.telegram.events.send({ type: 'action', chat: chat.id, action });
  return true;
};

export const sending: Readonly<Record<string, Method>> = {
  sendMessage,
  sendPhoto: sendMedia('photo'),
  sendVideo: sendMedia('video'),
  sendDocument: sendMedia('document'),
  copyMessage,
  sendChatAction,
};
