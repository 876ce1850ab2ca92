import { z } from 'zod';

/** Nothing of it needs to survive a crash, so it waits for no disk. */
const TELL = `select pg_notify(channel, payload)
  from set_config('synchronous_commit', 'off', true), unnest($1::text[], $2::text[]) as news (channel, payload)`;

export type Item = { readonly channel: string; readonly payload: string };

/** The text of a call that collects what it has to tell: `ledger.tell` adds to the setting while it is not empty. */
export const collecting = (call: string): string =>
  `select set_config('neurocards.news', ' ', true), ${call} as answer, current_setting('neurocards.news') as news, ` +
  "set_config('neurocards.news', '', true)";

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
  readonly #query: (text: string, values: unknown[]) => Promise<unknown>;
  #waiting = new Map<string, Item>();
  #telling: Promise<void> | undefined;

  constructor(query: (text: string, values: unknown[]) => Promise<unknown>) {
    this.#query = query;
  }

  /** Tells what was collected by calls that have committed. */
  tell(items: readonly Item[]): void {
    for (const item of items) this.#waiting.set(`${item.channel} ${item.payload}`, item);
    if (this.#waiting.size > 0) this.#telling ??= this.#tell();
  }

  /** Until everything was told. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #tell(): Promise<void> {
    while (this.#waiting.size > 0) {
      const items = [...this.#waiting.values()];
      this.#waiting = new Map();
      const values = [items.map(({ channel }) => channel), items.map(({ payload }) => payload)];
      await this.#query(TELL, values).catch(() => undefined);
    }
    this.#telling = undefined;
  }
}
