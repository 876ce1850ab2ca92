import { z } from 'zod';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';

const batch = 10;
const kinds = ['video-job', 'object'] as const;
type Kind = (typeof kinds)[number];
const rows = z.array(z.object({ kind: z.enum(kinds), name: z.string(), tries: z.number().int() }));

/** Writes down, in the transaction that forgets a person, what else has to go: VideoJobs, and photos and videos by their keys. */
export async function eraseLater(database: Database, kind: Kind, names: readonly string[]): Promise<void> {
  await database.query(
    'insert into bot.erasures (kind, name) select $1, unnest($2::text[]) on conflict (kind, name) do nothing',
    [kind, names],
  );
}

export interface Eraser {
  database: Database;
  /** Both may be repeated; what is gone already is no failure. */
  erase: Readonly<Record<Kind, (name: string) => Promise<void>>>;
  log: Logger;
}

/**
 * Erases what was written down; true when there may be more. A row is taken for as long as a call may last, and vanishes after the
 * answer: dying in between only means the same call once more.
 */
export async function carryOutErasures({ database, erase, log }: Eraser): Promise<boolean> {
  const taken = await database.query(
    `update bot.erasures set tries = tries + 1,
       due_at = clock_timestamp() + make_interval(secs => least(3600, 60 * power(2, least(tries, 6))))
     where (kind, name) in (
       select kind, name from bot.erasures where due_at <= clock_timestamp() order by due_at limit $1 for update skip locked)
     returning kind, name, tries`,
    [batch],
  );
  const due = rows.parse(taken.rows);
  await Promise.all(
    due.map(async ({ kind, name, tries }) => {
      try {
        await erase[kind](name);
        await database.query('delete from bot.erasures where kind = $1 and name = $2', [kind, name]);
      } catch (error) {
        log.warn({ err: error, kind, name, tries }, 'something of a forgotten person was not erased; later again');
      }
    }),
  );
  return due.length === batch;
}

const age = z.object({ seconds: z.coerce.number() });

/** Of the oldest thing that is still to go. */
export async function erasureAge(database: Database): Promise<number> {
  const { rows: found } = await database.query(
    'select coalesce(extract(epoch from clock_timestamp() - min(written_at)), 0) as seconds from bot.erasures',
  );
  return age.parse(found[0]).seconds;
}
