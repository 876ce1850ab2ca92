import { z } from 'zod';
import type { Database } from '../postgres/call.ts';
import { storableJson, storableText } from '../postgres/storable.ts';
import type { Update } from '../telegram/update.ts';
import { chatOf } from '../telegram/update.ts';
import { type Reply, writeReplies } from './reply.ts';

/** Told when an update was stored; whoever listens also looks from time to time. */
export const inboxChannel = 'neurocards_inbox';

/** Stores updates once each; afterwards they may be confirmed to Telegram. The same id again is the same update. */
export async function storeUpdates(database: Database, updates: readonly Update[]): Promise<void> {
  if (updates.length === 0) return;
  const rows = updates.map((update) => ({ update_id: update.update_id, chat_id: chatOf(update), body: update }));
  await database.query(
    `with stored as (
       insert into bot.inbox (update_id, chat_id, body)
       select update_id, chat_id, body from jsonb_to_recordset($1::jsonb) as new (update_id bigint, chat_id bigint, body jsonb)
       on conflict (update_id) do nothing returning 1
     )
     select pg_notify('${inboxChannel}', '') where exists (select from stored)`,
    [storableJson(rows)],
  );
}

/**
 * Stores something to say whose cause is no update that somebody has to think about: decided already, and once for each subject.
 * `update` is the one that told of it.
 */
export async function storeWords(
  transaction: Database,
  words: { subject: string; chatId: number; replies: readonly Reply[]; update?: Update },
): Promise<void> {
  const { subject, chatId, replies, update } = words;
  await transaction.query(
    `with stored as (
       insert into bot.inbox (update_id, chat_id, body, subject, replies, decided_at)
       values ($1, $2, $3, $4, $5, clock_timestamp()) on conflict do nothing returning 1
     )
     select pg_notify('${inboxChannel}', '') where exists (select from stored)`,
    [update?.update_id, chatId, update && storableJson(update), storableText(subject), writeReplies(replies)],
  );
}

const id = z.coerce.number().int();
const row = z.object({
  seq: id,
  update_id: id.nullable(),
  chat_id: id,
  body: z.unknown(),
  tries: z.number().int(),
  replies: z.unknown(),
  age_seconds: z.coerce.number(),
});
export type InboxRow = z.infer<typeof row>;

/**
 * Locks the next update that may be worked on: due, and the first of its chat that is not done. Held to the end of the
 * transaction, so no other replica takes it, and at once free when we are killed.
 */
export async function takeUpdate(transaction: Database): Promise<InboxRow | undefined> {
  const { rows } = await transaction.query(
    `select seq, update_id, chat_id, body, tries, replies, extract(epoch from clock_timestamp() - received_at) as age_seconds
     from bot.inbox as this
     where done_at is null and due_at <= clock_timestamp() and not exists (
       select from bot.inbox as earlier
       where earlier.chat_id = this.chat_id and earlier.done_at is null and earlier.seq < this.seq)
     order by seq limit 1 for update of this skip locked`,
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

export type Outcome = 'handled' | 'ignored' | 'quarantined' | 'unreachable';

/** The update had its effects, in this very transaction; what is to be said is stored with them. */
export async function decided(transaction: Database, seq: number, replies: readonly Reply[]): Promise<void> {
  await transaction.query(
    'update bot.inbox set replies = $2, decided_at = clock_timestamp(), due_at = clock_timestamp(), tries = 0 where seq = $1',
    [seq, writeReplies(replies)],
  );
}

/** Nothing more comes of it. What the person wrote is forgotten, unless somebody has to look at it; of a forgotten person, all of it. */
export async function done(database: Database, seq: number, outcome: Outcome): Promise<void> {
  await database.query(
    `update bot.inbox set done_at = clock_timestamp(), outcome = $2, decided_at = coalesce(decided_at, clock_timestamp()),
       replies = case when $2 = 'quarantined' and not erased then coalesce(replies, '[]') else '[]' end,
       body = case when $2 = 'quarantined' and not erased then body end,
       chat_id = case when erased then 0 else chat_id end
     where seq = $1 and done_at is null`,
    [seq, outcome],
  );
}

/** What is left to say; the beginning was said. */
export async function sayLater(
  database: Database,
  seq: number,
  left: readonly Reply[],
  seconds: number,
  counts: boolean,
): Promise<void> {
  await database.query(
    `update bot.inbox set replies = $2, tries = tries + $4, due_at = clock_timestamp() + make_interval(secs => $3)
     where seq = $1 and done_at is null`,
    [seq, writeReplies(left), seconds, counts ? 1 : 0],
  );
}

/** It is looked at again later; `counts` towards the tries after which it is put aside. */
export async function tryLater(database: Database, seq: number, seconds: number, counts: boolean): Promise<void> {
  await database.query(
    `update bot.inbox set tries = tries + $3, due_at = clock_timestamp() + make_interval(secs => $2)
     where seq = $1 and done_at is null`,
    [seq, seconds, counts ? 1 : 0],
  );
}

const depth = z.object({ pending: id, oldest_seconds: z.coerce.number() });

/** Updates that nobody is done with, and the age of the oldest. */
export async function inboxDepth(database: Database): Promise<z.infer<typeof depth>> {
  const { rows } = await database.query(
    `select count(*) as pending, coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0) as oldest_seconds
     from bot.inbox where done_at is null`,
  );
  return depth.parse(rows[0]);
}

/** Forgets what is done: Telegram repeats an update for at most 24 hours. */
export async function forgetOldUpdates(database: Database): Promise<void> {
  await database.query(`delete from bot.inbox where done_at < clock_timestamp() - interval '8 days'`);
}
