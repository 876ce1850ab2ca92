import { z } from 'zod';
import { isInline } from '../markup.ts';
import type { Chat, StoredMessage } from '../model.ts';
import { parseJson } from '../parameters.ts';
import { badRequest, blockedByUser } from '../refusal.ts';
import type { Call } from '../telegram.ts';

/** The chat a call names. Only people who wrote first have one. */
export function chatOf(call: Call, field = 'chat_id'): Chat {
  const id = call.parameters.text(field).trim();
  if (id === '') throw badRequest('chat_id is empty');
  const chat = /^-?\d+$/.test(id) ? call.telegram.store.chats.get(Number(id)) : undefined;
  if (chat === undefined) throw badRequest('chat not found');
  return chat;
}

/** The chat, if the bot may write there. */
export function writableChatOf(call: Call): Chat {
  const chat = chatOf(call);
  if (chat.blocked) throw blockedByUser();
  return chat;
}

/** A message that is still there, of whoever wrote it. */
export function messageOf(call: Call, chat: Chat, id: number, role: string): StoredMessage {
  const found = call.telegram.store.message(chat.id, id);
  if (found === undefined || found.deleted === true) throw badRequest(`${role} not found`);
  return found;
}

/**
 * The bot's own message that a call wants to edit.
 * @throws Refusal in the order of the real server: chat, message, rights, block
 */
export function editableOf(call: Call): StoredMessage {
  const chat = chatOf(call);
  const id = call.parameters.integer('message_id', 0, 0);
  if (id === 0) throw badRequest('message identifier is not specified');
  const message = messageOf(call, chat, id, 'message to edit');
  const isService = message.invoice !== undefined || message.successful_payment !== undefined;
  // The server edits no message that was sent with a keyboard of another kind than inline.
  const hasOtherKeyboard = message.reply_markup !== undefined && !isInline(message.reply_markup);
  if (message.from !== 'bot' || isService || hasOtherKeyboard) throw badRequest("message can't be edited");
  if (chat.blocked) throw blockedByUser();
  return message;
}

const replyParameters = z.looseObject({
  message_id: z.int(),
  allow_sending_without_reply: z.boolean().optional(),
});

/** The message that a new one answers to. */
export function replyOf(call: Call, chat: Chat): { reply_to_message_id?: number } {
  const { parameters } = call;
  const text = parameters.text('reply_parameters');
  const given =
    text === ''
      ? {
          message_id: parameters.integer('reply_to_message_id', 0, 0),
          allow_sending_without_reply: parameters.flag('allow_sending_without_reply'),
        }
      : parseJson(text, replyParameters, "can't parse reply parameters JSON object");
  if (given.message_id === 0) return {};
  const found = call.telegram.store.message(chat.id, given.message_id);
  if (found !== undefined && found.deleted !== true) return { reply_to_message_id: given.message_id };
  if (given.allow_sending_without_reply === true) return {};
  throw badRequest('message to be replied not found');
}
