import { z } from 'zod';
import type { Database } from '../postgres/call.ts';
import { ORDER_COUNTS, type OrderCount } from '../videojob/order-count.ts';

/** An order in the making. `state` is the question that was asked last. */
export interface Draft {
  nonce: string;
  state: 'text' | 'template' | 'prompt' | 'wishes' | 'confirm';
  photoKey: string;
  /** For the template `self` it is the person's own prompt. */
  productText: string | null;
  template: 'ugc' | 'ad' | 'self' | null;
  wishes: string | null;
  /** The price of one video on the confirmation that was shown. */
  price: number | null;
  /** How many videos of it are ordered. */
  count: OrderCount;
  messageId: number | null;
  repeats: string | null;
  album: string | null;
  albumNoted: boolean;
  /** Unix seconds of a message that was too long. */
  tooLongAt: number | null;
}

export type DraftEnd = 'placed' | 'refused' | 'dropped';

const id = z.coerce.number().int();
const row = z
  .object({
    nonce: z.string(),
    state: z.enum(['text', 'template', 'prompt', 'wishes', 'confirm']),
    photo_key: z.string(),
    product_text: z.string().nullable(),
    template: z.enum(['ugc', 'ad', 'self']).nullable(),
    wishes: z.string().nullable(),
    price: id.nullable(),
    count: z.literal(ORDER_COUNTS),
    message_id: id.nullable(),
    repeats: z.string().nullable(),
    album: z.string().nullable(),
    album_noted: z.boolean(),
    too_long_at: id.nullable(),
  })
  .transform(
    (columns): Draft => ({
      nonce: columns.nonce,
      state: columns.state,
      photoKey: columns.photo_key,
      productText: columns.product_text,
      template: columns.template,
      wishes: columns.wishes,
      price: columns.price,
      count: columns.count,
      messageId: columns.message_id,
      repeats: columns.repeats,
      album: columns.album,
      albumNoted: columns.album_noted,
      tooLongAt: columns.too_long_at,
    }),
  );

/** The person's open draft. */
export async function readDraft(database: Database, userId: number): Promise<Draft | null> {
  const { rows } = await database.query('select * from bot.drafts where user_id = $1 and closed is null', [userId]);
  return rows[0] === undefined ? null : row.parse(rows[0]);
}

const fate = z.object({ user_id: id, closed: z.enum(['placed', 'refused', 'dropped']).nullable() });

/** Whose draft a button belongs to and what became of it. */
export async function readDraftFate(
  database: Database,
  nonce: string,
): Promise<{ userId: number; closed: DraftEnd | null } | null> {
  const { rows } = await database.query('select user_id, closed from bot.drafts where nonce = $1', [nonce]);
  if (rows[0] === undefined) return null;
  const { user_id: userId, closed } = fate.parse(rows[0]);
  return { userId, closed };
}

/** Makes this the person's one open draft; another one that was open is dropped. */
export async function putDraft(database: Database, userId: number, chatId: number, draft: Draft): Promise<void> {
  await database.query(
    `update bot.drafts set closed = 'dropped', changed_at = clock_timestamp()
     where user_id = $1 and closed is null and nonce <> $2`,
    [userId, draft.nonce],
  );
  await writeDraft(database, userId, chatId, draft, null);
}

/** Writes a draft as it ended: its nonce is used up. */
export async function writeDraft(
  database: Database,
  userId: number,
  chatId: number,
  draft: Draft,
  closed: DraftEnd | null,
): Promise<void> {
  await database.query(
    `insert into bot.drafts (nonce, user_id, chat_id, state, photo_key, product_text, template, wishes, price, message_id,
       repeats, album, album_noted, too_long_at, closed, count)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     on conflict (nonce) do update set state = excluded.state, photo_key = excluded.photo_key, product_text = excluded.product_text,
       template = excluded.template, wishes = excluded.wishes, price = excluded.price, count = excluded.count, message_id = excluded.message_id,
       album_noted = excluded.album_noted, too_long_at = excluded.too_long_at, closed = excluded.closed, changed_at = clock_timestamp()
     where drafts.user_id = excluded.user_id`,
    [
      draft.nonce,
      userId,
      chatId,
      draft.state,
      draft.photoKey,
      draft.productText,
      draft.template,
      draft.wishes,
      draft.price,
      draft.messageId,
      draft.repeats,
      draft.album,
      draft.albumNoted,
      draft.tooLongAt,
      closed,
      draft.count,
    ],
  );
}

export async function closeDraft(database: Database, nonce: string, closed: DraftEnd): Promise<void> {
  await database.query('update bot.drafts set closed = $2, changed_at = clock_timestamp() where nonce = $1', [
    nonce,
    closed,
  ]);
}

/** Forgets what ended, and gives up what was left lying; an order has its own copy of what the person wrote. */
export async function forgetOldDrafts(database: Database): Promise<void> {
  await database.query(
    `update bot.drafts set closed = 'dropped', changed_at = clock_timestamp()
     where closed is null and changed_at < clock_timestamp() - interval '30 days'`,
  );
  await database.query(
    `delete from bot.drafts where closed is not null and changed_at < clock_timestamp() - interval '8 days'`,
  );
}

/** The message that asks the draft's question now. */
export async function rememberMessage(database: Database, nonce: string, messageId: number): Promise<void> {
  await database.query('update bot.drafts set message_id = $2 where nonce = $1 and closed is null', [nonce, messageId]);
}
