import { z } from 'zod';

/** What the stand-in remembers. Every record is parsed with these when it is read back after a restart. */

export const entity = z.object({
  type: z.string(),
  offset: z.int(),
  length: z.int(),
  url: z.string().exactOptional(),
  language: z.string().exactOptional(),
  custom_emoji_id: z.string().exactOptional(),
});

export const fileRecord = z.object({
  file_id: z.string(),
  file_unique_id: z.string(),
  kind: z.enum(['photo', 'video', 'document', 'thumbnail']),
  /** The path of getFile, below the files folder too. */
  path: z.string(),
  size: z.int(),
  sha256: z.string(),
  mime: z.string(),
  width: z.int().exactOptional(),
  height: z.int().exactOptional(),
  /** Whole seconds. */
  duration: z.int().exactOptional(),
  name: z.string().exactOptional(),
  /** Of a photo: the file ids of all its sizes, smallest first. Every size names the same list. */
  sizes: z.array(z.string()).exactOptional(),
  /** Of a video: the file id of its thumbnail. */
  thumbnail: z.string().exactOptional(),
});

const invoice = z.object({
  title: z.string(),
  description: z.string(),
  start_parameter: z.string(),
  currency: z.string(),
  total_amount: z.int(),
  payload: z.string(),
  photo_url: z.string().exactOptional(),
  /** The charge that paid it. */
  paid: z.string().exactOptional(),
});

export const button = z.looseObject({ text: z.string() });

export const keyboard = z.object({
  /** Inline keyboards belong to a message; the others change what the person sees under the input field. */
  inline_keyboard: z.array(z.array(button)).exactOptional(),
  keyboard: z.array(z.array(button)).exactOptional(),
  resize_keyboard: z.boolean().exactOptional(),
  one_time_keyboard: z.boolean().exactOptional(),
  is_persistent: z.boolean().exactOptional(),
  input_field_placeholder: z.string().exactOptional(),
  remove_keyboard: z.boolean().exactOptional(),
  force_reply: z.boolean().exactOptional(),
});

const paymentNote = z.object({
  currency: z.string(),
  total_amount: z.int(),
  invoice_payload: z.string(),
  telegram_payment_charge_id: z.string(),
});

export const message = z.object({
  message_id: z.int(),
  chat: z.int(),
  from: z.enum(['user', 'bot']),
  /** Unix seconds, as Telegram has them. */
  date: z.int(),
  edit_date: z.int().exactOptional(),
  text: z.string().exactOptional(),
  entities: z.array(entity).exactOptional(),
  caption: z.string().exactOptional(),
  caption_entities: z.array(entity).exactOptional(),
  /** File ids. */
  photo: z.string().exactOptional(),
  video: z.string().exactOptional(),
  document: z.string().exactOptional(),
  invoice: invoice.exactOptional(),
  successful_payment: paymentNote.exactOptional(),
  refunded_payment: paymentNote.exactOptional(),
  reply_markup: keyboard.exactOptional(),
  reply_to_message_id: z.int().exactOptional(),
  deleted: z.boolean().exactOptional(),
});

export const chat = z.object({
  id: z.int(),
  first_name: z.string(),
  language_code: z.string(),
  blocked: z.boolean(),
});

export const update = z.object({
  update_id: z.int(),
  chat: z.int(),
  /** Unix seconds; Telegram keeps an unconfirmed update for 24 hours. */
  date: z.int(),
  /** The update as the bot gets it, without its id. */
  body: z.record(z.string(), z.unknown()),
});

export const transaction = z.object({
  charge_id: z.string(),
  chat: z.int(),
  amount: z.int(),
  currency: z.string(),
  payload: z.string(),
  date: z.int(),
  message_id: z.int().exactOptional(),
  /** The bot was never told by an update. */
  lost: z.boolean(),
  refund: z.object({ date: z.int(), by: z.enum(['bot', 'store']) }).exactOptional(),
});

export const journalEntry = z.object({
  id: z.int(),
  method: z.string(),
  chat: z.int().exactOptional(),
  /** ISO 8601 with milliseconds: when the whole request had arrived. */
  time: z.string(),
  finishedAt: z.string().exactOptional(),
  /** `pending` while it is under way, then `ok`, `error`, or `dropped` when the caller never got an answer. */
  outcome: z.enum(['pending', 'ok', 'error', 'dropped']),
  /** Whether the call took effect, whatever the caller was told. */
  processed: z.boolean(),
  fault: z.string().exactOptional(),
  error_code: z.int().exactOptional(),
  description: z.string().exactOptional(),
  message_id: z.int().exactOptional(),
  /** What the message held after the call. */
  media: z.enum(['photo', 'video', 'document']).exactOptional(),
  text: z.string().exactOptional(),
  /** The updates that a getUpdates answered with. */
  updates: z.array(z.int()).exactOptional(),
});

const faultKinds = ['process-then-drop', 'drop', 'hang', '429', '403', '500', '502-html', 'slow', 'redeliver'] as const;

export const faultKind = z.union([z.enum(faultKinds), z.string().regex(/^400:.+$/s)], {
  error: `must be one of ${faultKinds.join(', ')} or 400:<text>`,
});

export const fault = z.object({
  id: z.int(),
  method: z.string(),
  fault: faultKind,
  /** How often it still strikes. */
  times: z.int(),
  chat: z.int().exactOptional(),
  retry_after: z.int().exactOptional(),
  seconds: z.number().exactOptional(),
});

export const webhook = z.object({
  url: z.string(),
  secret: z.string(),
  maxConnections: z.int(),
  lastErrorDate: z.int().exactOptional(),
  lastErrorMessage: z.string().exactOptional(),
});

export const botCommand = z.object({ command: z.string(), description: z.string() });

/** What the bot set about itself; texts by language code, '' for every other language. */
export const profile = z.object({
  commands: z.record(z.string(), z.array(botCommand)),
  description: z.record(z.string(), z.string()),
  shortDescription: z.record(z.string(), z.string()),
});

export const record = z.discriminatedUnion('t', [
  z.object({ t: z.literal('chat'), chat }),
  z.object({ t: z.literal('message'), message }),
  z.object({ t: z.literal('file'), file: fileRecord }),
  z.object({ t: z.literal('update'), update }),
  z.object({ t: z.literal('confirmed'), ids: z.array(z.int()) }),
  z.object({ t: z.literal('transaction'), transaction }),
  z.object({ t: z.literal('invoice-link'), slug: z.string(), invoice }),
  z.object({ t: z.literal('journal'), entry: journalEntry }),
  z.object({ t: z.literal('fault'), fault }),
  z.object({ t: z.literal('faults-cleared') }),
  z.object({ t: z.literal('webhook'), webhook: webhook.nullable() }),
  z.object({ t: z.literal('allowed-updates'), types: z.array(z.string()) }),
  z.object({ t: z.literal('profile'), profile }),
  /** The highest ids given out so far, so that none is given twice after old records were dropped. */
  z.object({ t: z.literal('counters'), update: z.int(), file: z.int(), journal: z.int() }),
]);

export type Entity = z.infer<typeof entity>;
export type FileRecord = z.infer<typeof fileRecord>;
export type Invoice = z.infer<typeof invoice>;
export type Keyboard = z.infer<typeof keyboard>;
export type StoredMessage = z.infer<typeof message>;
export type Chat = z.infer<typeof chat>;
export type StoredUpdate = z.infer<typeof update>;
export type Transaction = z.infer<typeof transaction>;
export type JournalEntry = z.infer<typeof journalEntry>;
export type Fault = z.infer<typeof fault>;
export type Webhook = z.infer<typeof webhook>;
export type Profile = z.infer<typeof profile>;
export type StateRecord = z.infer<typeof record>;
