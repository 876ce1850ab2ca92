import type { Update } from 'grammy/types';
import type { Faults } from './faults.ts';
import type { StateRecord, StoredUpdate } from './model.ts';
import { Refusal } from './refusal.ts';
import type { Store } from './store.ts';
import { unixNow } from './telegram.ts';
import { apiUpdate } from './views.ts';

/** Types that a bot must ask for by name; without a list it gets all others. */
const onRequestOnly = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);

const keptSeconds = 24 * 3600;

export type Poll = { readonly offset: number; readonly limit: number; readonly timeout: number };

type Waiter = { readonly wake: () => void; readonly refuse: (error: Refusal) => void };

/** Updates wait here until the bot confirms them by asking for a later one. */
export class UpdateQueue {
  readonly #store: Store;
  readonly #faults: Faults;
  #waiter: Waiter | undefined;

  constructor(store: Store, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
    store.onCommit((records) => {
      if (records.some((each) => each.t === 'update' || each.t === 'fault')) this.#waiter?.wake();
    });
  }

  /** The record of a new update, to be committed with its cause; none when the bot does not want this type. */
  record(type: string, chat: number, payload: unknown): StateRecord[] {
    const wanted = this.#store.allowedUpdates;
    const isAllowed = wanted.length === 0 ? !onRequestOnly.has(type) : wanted.includes(type);
    if (!isAllowed) return [];
    // Through JSON, so that the log and the bot see the same.
    const body: unknown = JSON.parse(JSON.stringify(payload));
    return [
      {
        t: 'update',
        update: { update_id: this.#store.nextUpdateId(), chat, date: unixNow(), body: { [type]: body } },
      },
    ];
  }

  /**
   * Answers a getUpdates: at once when there is something, else after `timeout` seconds at the latest.
   * @throws Refusal 409 while a webhook is set, and in the older of two polls
   */
  async poll(poll: Poll, signal: AbortSignal): Promise<Update[]> {
    if (this.#store.webhook !== undefined) {
      throw conflict(
        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    }
    this.interrupt('terminated by other getUpdates request; make sure that only one bot instance is running');
    this.#confirm(poll.offset);
    const deadline = Date.now() + poll.timeout * 1000;
    for (;;) {
      const again = this.#faults.takeRedelivery('getUpdates');
      const batch = this.#batch(poll);
      const found = again === undefined ? batch : [again, ...batch].slice(0, Math.max(poll.limit, 1));
      const left = deadline - Date.now();
      if (found.length > 0 || left <= 0 || signal.aborted) return found.map(apiUpdate);
      await this.#sleep(left, signal);
    }
  }

  /** Ends the poll under way, if any, with a 409. */
  interrupt(why: string): void {
    this.#waiter?.refuse(conflict(why));
  }

  #confirm(offset: number): void {
    const pending = this.#store.pending;
    const from = offset < 0 ? (pending.at(offset) ?? pending[0])?.update_id : offset;
    const oldest = unixNow() - keptSeconds;
    const ids = pending
      .filter((update) => update.update_id < (from ?? 0) || update.date < oldest)
      .map((update) => update.update_id);
    if (ids.length > 0) this.#store.commit([{ t: 'confirmed', ids }]);
  }

  #batch(poll: Poll): StoredUpdate[] {
    return this.#store.pending.filter((update) => update.update_id >= poll.offset).slice(0, poll.limit);
  }

  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        wake: () => finish(resolve),
        refuse: (error) => finish(() => reject(error)),
      };
      const finish = (then: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', waiter.wake);
        if (this.#waiter === waiter) this.#waiter = undefined;
        then();
      };
      const timer = setTimeout(waiter.wake, milliseconds);
      signal.addEventListener('abort', waiter.wake);
      this.#waiter = waiter;
    });
  }
}

function conflict(text: string): Refusal {
  return new Refusal(409, `Conflict: ${text}`);
}
