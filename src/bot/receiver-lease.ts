import type { Database } from '../postgres/call.ts';

/** Takes or renews the right to ask Telegram for updates; false while another replica has it. */
export async function holdReceiver(database: Database, owner: string, seconds: number): Promise<boolean> {
  const { rows } = await database.query(
    `update bot.receiver set owner = $1, held_until = clock_timestamp() + make_interval(secs => $2)
     where owner = $1 or held_until < clock_timestamp() returning 1 as held`,
    [owner, seconds],
  );
  return rows.length > 0;
}

/** Lets another replica begin at once. */
export async function releaseReceiver(database: Database, owner: string): Promise<void> {
  await database.query(`update bot.receiver set held_until = '-infinity' where owner = $1`, [owner]);
}

/** Whether the profile of this hash is not the one that Telegram was told last. */
export async function isNewProfile(database: Database, hash: string): Promise<boolean> {
  const { rows } = await database.query('select 1 from bot.receiver where profile_hash is distinct from $1', [hash]);
  return rows.length > 0;
}

export async function recordProfile(database: Database, hash: string): Promise<void> {
  await database.query('update bot.receiver set profile_hash = $1', [hash]);
}
