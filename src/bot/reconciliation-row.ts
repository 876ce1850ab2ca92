import { z } from 'zod';
import type { Database } from '../postgres/call.ts';

const number = z.coerce.number();
const cursor = z.object({ seen: number, last_seen: z.string().nullable(), since: number });
const age = z.object({ seconds: number });

/** How far the list of transactions is in the books: `seen` of them, the last one being `last`. */
export interface Cursor {
  seen: number;
  last: string | null;
}

/** `since`: when these books were opened (Unix seconds). */
export type Taken = Cursor & { since: number };

/** Takes the right to reconcile when it is due, or at once with `isEarly`; undefined when it is not, or another replica is at it. */
export async function takeReconciliation(
  database: Database,
  owner: string,
  { isEarly, seconds }: { isEarly: boolean; seconds: number },
): Promise<Taken | undefined> {
  const { rows } = await database.query(
    `update bot.reconciliation set owner = $1, held_until = clock_timestamp() + make_interval(secs => $3)
     where held_until < clock_timestamp() and (due_at <= clock_timestamp() or $2) returning seen, last_seen, extract(epoch from since) as since`,
    [owner, isEarly, seconds],
  );
  if (rows[0] === undefined) return undefined;
  const { seen, last_seen: last, since } = cursor.parse(rows[0]);
  return { seen, last, since };
}

/** Keeps the right, and writes down how far everything is booked where it got further; false when another replica has it. */
export async function keepReconciliation(
  database: Database,
  owner: string,
  seconds: number,
  reached?: Cursor,
): Promise<boolean> {
  const { rows } = await database.query(
    `update bot.reconciliation set held_until = clock_timestamp() + make_interval(secs => $2),
       seen = coalesce($3, seen), last_seen = case when $3::bigint is null then last_seen else $4 end
     where owner = $1 and held_until >= clock_timestamp() returning 1 as held`,
    [owner, seconds, reached?.seen, reached?.last],
  );
  return rows.length > 0;
}

/** Gives the right back until the next time, which comes after so many seconds. */
export async function endReconciliation(
  database: Database,
  owner: string,
  { isWhole, seconds }: { isWhole: boolean; seconds: number },
): Promise<void> {
  await database.query(
    `update bot.reconciliation set held_until = '-infinity', due_at = clock_timestamp() + make_interval(secs => $2),
       succeeded_at = case when $3 then clock_timestamp() else succeeded_at end
     where owner = $1`,
    [owner, seconds, isWhole],
  );
}

/** Seconds since the list was last followed to its end. */
export async function reconciliationAge(database: Database): Promise<number> {
  const { rows } = await database.query(
    'select extract(epoch from clock_timestamp() - succeeded_at) as seconds from bot.reconciliation',
  );
  return age.parse(rows[0]).seconds;
}
