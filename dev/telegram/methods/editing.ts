import { z } from 'zod';
import { readMarkup } from '../markup.ts';
import type { StateRecord, StoredMessage } from '../model.ts';
import { parseJson } from '../parameters.ts';
import { badRequest } from '../refusal.ts';
import type { Call, Method } from '../telegram.ts';
import { unixNow } from '../telegram.ts';
import { apiMessage } from '../views.ts';
import { captionFields, fileRecords, readCaption, readMedia, readText } from './content.ts';
import { about } from './sending.ts';
import { chatOf, editableOf, messageOf } from './target.ts';

const sameAsBefore =
  'message is not modified: specified new message content and reply markup are exactly the same as a current ' +
  'content and reply markup of the message';

const contentFields = ['text', 'entities', 'caption', 'caption_entities', 'photo', 'video', 'document'] as const;

/** A message without what it showed: an edit says all of it anew, the keyboard included. */
function bare(message: StoredMessage): StoredMessage {
  const { reply_markup: _markup, ...rest } = message;
  for (const field of contentFields) delete rest[field];
  return rest;
}

function written(call: Call, before: StoredMessage, after: StoredMessage, files: StateRecord[] = []): unknown {
  const markup = readMarkup(call.parameters);
  const next = { ...after, ...(markup === undefined ? {} : { reply_markup: markup }) };
  if (JSON.stringify(shown(before)) === JSON.stringify(shown(next))) throw badRequest(sameAsBefore);
  const edited = { ...next, edit_date: unixNow() };
  call.journal.commit([...files, { t: 'message', message: edited }], about(edited));
  return apiMessage(call.telegram, edited);
}

function shown(message: StoredMessage): unknown[] {
  return [message.reply_markup, ...contentFields.map((field) => message[field])];
}

const editMessageText: Method = (call) => {
  const { text, entities } = readText(call, true);
  const message = editableOf(call);
  if (message.text === undefined) throw badRequest('there is no text in the message to edit');
  return written(call, message, {
    ...bare(message),
    text,
    ...(entities.length === 0 ? {} : { entities: [...entities] }),
  });
};

const editMessageCaption: Method = (call) => {
  const caption = readCaption(call);
  const message = editableOf(call);
  if (message.text !== undefined) throw badRequest('there is no caption in the message to edit');
  const { photo, video, document } = message;
  return written(call, message, {
    ...bare(message),
    ...(photo === undefined ? {} : { photo }),
    ...(video === undefined ? {} : { video }),
    ...(document === undefined ? {} : { document }),
    ...caption,
  });
};

const inputMedia = z.looseObject({
  type: z.string(),
  media: z.string().optional(),
  caption: z.string().optional(),
  parse_mode: z.string().optional(),
  caption_entities: z.unknown().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  duration: z.number().optional(),
  thumbnail: z.string().optional(),
});

/** Also turns a text message into one with media, as the Bot API allows since its version 7.11. */
const editMessageMedia: Method = async (call) => {
  const media = parseJson(call.parameters.required('media'), inputMedia, "can't parse input media JSON object");
  const kind = (['photo', 'video', 'document'] as const).find((each) => each === media.type);
  if (kind === undefined) throw badRequest(`can't parse InputMedia: type "${media.type}" is unsupported`);
  if (media.media === undefined || media.media === '') throw badRequest("can't parse InputMedia: media not found");
  const entities = media.caption_entities === undefined ? '' : JSON.stringify(media.caption_entities);
  const caption = captionFields(media.caption ?? '', media.parse_mode ?? '', entities);
  editableOf(call);
  const given = { width: media.width ?? 0, height: media.height ?? 0, duration: media.duration ?? 0 };
  const read = await readMedia(call, kind, media.media, '', given, media.thumbnail ?? '');
  // The message is looked up again: it may have changed while the file was worked on.
  const message = editableOf(call);
  return written(call, message, { ...bare(message), ...read.content, ...caption }, fileRecords(read));
};

const editMessageReplyMarkup: Method = (call) => {
  const message = editableOf(call);
  const { reply_markup: _markup, ...rest } = message;
  return written(call, message, rest);
};

const oldestDeletable = 48 * 3600;

const deleteMessage: Method = (call) => {
  const chat = chatOf(call);
  const id = call.parameters.integer('message_id', 0, 0);
  if (id === 0) throw badRequest('message identifier is not specified');
  const message = messageOf(call, chat, id, 'message to delete');
  if (unixNow() - message.date > oldestDeletable) throw badRequest("message can't be deleted for everyone");
  call.journal.commit([{ t: 'message', message: { ...message, deleted: true } }], { message_id: id });
  return true;
};

export const editing: Readonly<Record<string, Method>> = {
  editMessageText,
  editMessageCaption,
  editMessageMedia,
  editMessageReplyMarkup,
  deleteMessage,
};
