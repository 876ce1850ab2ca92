import { z } from 'zod';

/** Nothing of it needs to survive a crash, so it waits for no disk. */
const TELL = `select pg_notify(channel, payload)
  from set_config('synchronous_commit', 'off', true), unnest($1::text[], $2::text[]) as news (channel, payload)`;

export type Item = { readonly channel: string; readonly payload: string };

/**
 * The text of a call that collects what it has to tell: `ledger.tell` adds to the setting while it is not empty. What stands behind FROM
 * comes first.
 */
export const collecting = (call: string): string =>
  `select ${call} as answer, current_setting('neurocards.news') as news, set_config('neurocards.news', '', true) ` +
  "from set_config('neurocards.news', ' ', true)";

const collected = z.array(z.object({ news: z.string() })).length(1);

/** What such a call had to tell, by its rows. */
export function itemsOf(rows: unknown[]): Item[] {
  const [row] = collected.parse(rows);
  const lines = row?.news.trim().split('\n') ?? [];
  return lines.filter(Boolean).map((line) => {
    const [channel = '', payload = ''] = line.split(' ', 2);
    return { channel, payload };
  });
}

/**
 * Notifies of what transactions changed, once they have committed.
 *
 * A transaction that notifies by itself holds a lock of the whole server from its COMMIT until that is on disk, so that such transactions
 * are flushed one by one. Here the news of many go out together, in one transaction that waits for no disk, at once and one at a time.
 * News can be lost with the process that had them: a notification only says "look now", and everybody who listens also looks without one.
 */
export class News {
  #waiting = new Map<string, Item>();
  #telling: Promise<Error | undefined> | undefined;

  /**
   * Tells what a connection heard, by that connection and before it is given back, so that no further one is needed. While another one
   * tells, that one tells this too. Answers the error that the connection cannot be used after.
   */
  tell(
    items: readonly Item[],
    query: (text: string, values: unknown[]) => Promise<unknown>,
  ): Promise<Error | undefined> {
    for (const item of items) this.#waiting.set(`${item.channel} ${item.payload}`, item);
    if (this.#telling !== undefined) return Promise.resolve(undefined);
    this.#telling = this.#tellAll(query);
    return this.#telling;
  }

  /** Until everything was told. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #tellAll(query: (text: string, values: unknown[]) => Promise<unknown>): Promise<Error | undefined> {
    try {
      while (this.#waiting.size > 0) {
        const items = [...this.#waiting.values()];
        this.#waiting = new Map();
        await query(TELL, [items.map(({ channel }) => channel), items.map(({ payload }) => payload)]);
      }
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error('the news could not be told', { cause: error });
    } finally {
      this.#telling = undefined;
    }
  }
}
