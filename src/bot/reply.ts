import { z } from 'zod';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import { pressData, readPress } from '../telegram/button.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';
import { rememberMessage } from './draft.ts';

const press = z.string().transform((data, context) => {
  const read = readPress(data);
  if (read !== undefined) return read;
  context.addIssue({ code: 'custom', message: 'not a button of ours' });
  return z.NEVER;
});
const keyboard = z.array(z.array(z.object({ text: z.string(), press })));
const replySchema = z.discriminatedUnion('kind', [
  /** Answers the tap itself; without a text it only ends the button's waiting. */
  z.object({ kind: z.literal('toast'), callbackId: z.string(), text: z.string().nullable() }),
  /** `asks`: the draft whose question this message is. */
  z.object({ kind: z.literal('send'), html: z.string(), keyboard, asks: z.string().nullable() }),
  z.object({ kind: z.literal('edit'), messageId: z.int(), html: z.string(), keyboard, asks: z.string().nullable() }),
  z.object({ kind: z.literal('keyboard'), messageId: z.int(), keyboard }),
  /** A bill. Its row exists; the same one shown twice can still be paid only once. */
  z.object({
    kind: z.literal('invoice'),
    invoiceId: z.string(),
    title: z.string(),
    description: z.string(),
    stars: z.int(),
  }),
]);
const replies = z.array(replySchema);

/** Something to say to a person, decided and stored before it is said. */
export type Reply = z.output<typeof replySchema>;

/** As JSON; buttons as their callback data, which is also how they are checked when read back. */
export function writeReplies(list: readonly Reply[]): string {
  return JSON.stringify(
    list.map((reply) =>
      reply.kind === 'toast' || reply.kind === 'invoice'
        ? reply
        : {
            ...reply,
            keyboard: reply.keyboard.map((row) => row.map((one) => ({ ...one, press: pressData(one.press) }))),
          },
    ),
  );
}

export function readReplies(stored: unknown): Reply[] {
  return replies.parse(stored);
}

export interface Mouth {
  telegram: TelegramClient;
  database: Database;
  log: Logger;
}

/**
 * Says one reply in a chat. Throws TelegramError when it was not, or perhaps not, said.
 * An edit of a message that cannot be edited becomes a new message.
 */
export async function say(reply: Reply, chatId: number, { telegram, database, log }: Mouth): Promise<void> {
  switch (reply.kind) {
    case 'toast':
      try {
        await telegram.answerCallback(reply.callbackId, reply.text ?? undefined);
      } catch (error) {
        // Too late, or answered by an earlier try: the client has stopped waiting by itself.
        log.debug({ err: error }, 'a tap was not answered');
      }
      return;
    case 'keyboard':
      try {
        await telegram.editKeyboard(chatId, reply.messageId, reply.keyboard);
      } catch (error) {
        if (!isFutile(error)) throw error;
      }
      return;
    case 'edit':
      try {
        await telegram.editMessageText(chatId, reply.messageId, reply.html, reply.keyboard);
        if (reply.asks !== null) await rememberMessage(database, reply.asks, reply.messageId);
        return;
      } catch (error) {
        if (!isFutile(error)) throw error;
        return say({ ...reply, kind: 'send' }, chatId, { telegram, database, log });
      }
    case 'invoice': {
      const { invoiceId: payload, title, description, stars } = reply;
      await telegram.sendInvoice({ chatId, title, description, payload, stars });
      return;
    }
    case 'send': {
      const messageId = await telegram.sendMessage(chatId, reply.html, reply.keyboard);
      if (reply.asks !== null) await rememberMessage(database, reply.asks, messageId);
    }
  }
}

/** The message is gone, or holds something else now: the same edit will never work. */
function isFutile(error: unknown): boolean {
  return error instanceof TelegramError && (error.meaning === 'missing-message' || error.meaning === 'refused');
}
