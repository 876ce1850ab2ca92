import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from './faults.ts';
import type { StoredUpdate, Webhook } from './model.ts';
import type { Store } from './store.ts';
import { unixNow } from './telegram.ts';
import { apiUpdate } from './views.ts';

const answerTimeout = 60_000;
const longestPause = 60_000;

/**
 * Posts updates to the webhook: in order within a chat, chats beside each other, each again until it is answered by
 * 2xx. The first repetition comes at once, later ones after pauses that double (as WebhookActor.cpp does).
 */
export class WebhookSender {
  readonly #store: Store;
  readonly #faults: Faults;
  readonly #busyChats = new Set<number>();
  #current = new AbortController();
  #isClosed = false;

  constructor(store: Store, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
    store.onCommit((records) => {
      if (records.some((each) => each.t === 'webhook')) this.#restart();
      else if (records.some((each) => each.t === 'update' || each.t === 'confirmed' || each.t === 'fault'))
        this.#pump();
    });
  }

  /** Begins to send what waits; afterwards every commit of an update does. */
  start(): void {
    this.#pump();
  }

  close(): void {
    this.#isClosed = true;
    this.#current.abort();
  }

  #restart(): void {
    this.#current.abort();
    this.#current = new AbortController();
    this.#busyChats.clear();
    this.#pump();
  }

  #pump(): void {
    const webhook = this.#store.webhook;
    if (webhook === undefined || this.#isClosed) return;
    for (let again = this.#faults.takeRedelivery('webhook'); again !== undefined; ) {
      void this.#post(webhook, again, this.#current.signal);
      again = this.#faults.takeRedelivery('webhook');
    }
    for (const update of this.#store.pending) {
      if (this.#busyChats.size >= webhook.maxConnections) return;
      if (this.#busyChats.has(update.chat)) continue;
      this.#busyChats.add(update.chat);
      void this.#deliver(webhook, update, this.#current.signal);
    }
  }

  async #deliver(webhook: Webhook, update: StoredUpdate, signal: AbortSignal): Promise<void> {
    let pause = 0;
    while (!signal.aborted) {
      const failure = await this.#post(webhook, update, signal);
      if (signal.aborted) return;
      if (failure === undefined) {
        this.#busyChats.delete(update.chat);
        this.#store.commit([{ t: 'confirmed', ids: [update.update_id] }]);
        return;
      }
      this.#noteFailure(failure.words);
      const wait = failure.retryAfter ?? pause;
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
      pause = Math.min(pause === 0 ? 1000 : pause * 2, longestPause);
    }
  }

  async #post(
    webhook: Webhook,
    update: StoredUpdate,
    signal: AbortSignal,
  ): Promise<{ words: string; retryAfter?: number } | undefined> {
    try {
      const response = await fetch(webhook.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          ...(webhook.secret === '' ? {} : { 'x-telegram-bot-api-secret-token': webhook.secret }),
        },
        body: JSON.stringify(apiUpdate(update)),
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeout)]),
      });
      await response.arrayBuffer();
      if (response.ok) return undefined;
      const words = `Wrong response from the webhook: ${response.status} ${response.statusText}`;
      const after = Number(response.headers.get('retry-after'));
      return after > 0 ? { words, retryAfter: Math.min(after, 3600) * 1000 } : { words };
    } catch {
      return { words: 'Connection failed' };
    }
  }

  #noteFailure(words: string): void {
    const webhook = this.#store.webhook;
    if (webhook === undefined) return;
    // Not committed: the sender would take it for a new webhook, and losing it costs nothing.
    this.#store.webhook = { ...webhook, lastErrorDate: unixNow(), lastErrorMessage: words };
  }
}
