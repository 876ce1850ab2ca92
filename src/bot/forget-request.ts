import { z } from 'zod';
import type { Database } from '../postgres/call.ts';

/** Seconds for which the button that deletes everything counts: it shall not lie in wait in an old chat. */
const lifeSeconds = 3_600;

const forfeits = z.object({ forfeits: z.coerce.number().int() });

/** Keeps the figure that the person is asked with; the question before it no longer counts. */
export async function askForgetting(
  database: Database,
  userId: number,
  request: { nonce: string; forfeits: number },
): Promise<void> {
  await database.query(
    `insert into bot.forget_requests (user_id, nonce, forfeits) values ($1, $2, $3)
     on conflict (user_id) do update set nonce = excluded.nonce, forfeits = excluded.forfeits, asked_at = excluded.asked_at`,
    [userId, request.nonce, request.forfeits],
  );
}

/** Takes the person's own question back, once; answers the figure it was asked with, or null for any other nonce. */
export async function takeForgetting(database: Database, userId: number, nonce: string): Promise<number | null> {
  const { rows } = await database.query(
    `delete from bot.forget_requests where user_id = $1 and nonce = $2
     returning case when asked_at > clock_timestamp() - make_interval(secs => $3) then forfeits end as forfeits`,
    [userId, nonce, lifeSeconds],
  );
  const read = forfeits.extend({ forfeits: forfeits.shape.forfeits.nullable() });
  return rows[0] === undefined ? null : read.parse(rows[0]).forfeits;
}

const photo = z.object({ photo_key: z.string() });

/**
 * Drops what the bot itself knows of a person: drafts, and every update of their chat; the update under way goes when it is done.
 * Answers the keys of the drafts' photos.
 */
export async function dropTraces(database: Database, userId: number, chatId: number): Promise<string[]> {
  const drafts = await database.query('delete from bot.drafts where user_id = $1 returning photo_key', [userId]);
  await database.query(
    `update bot.inbox set erased = true, body = case when done_at is null then body end,
       replies = case when done_at is null then replies else '[]' end, chat_id = case when done_at is null then chat_id else 0 end
     where chat_id = $1`,
    [chatId],
  );
  return z
    .array(photo)
    .parse(drafts.rows)
    .map((draft) => draft.photo_key);
}
