import type { JournalEntry, StateRecord } from './model.ts';
import type { Store } from './store.ts';

type About = Partial<Pick<JournalEntry, 'message_id' | 'media' | 'text' | 'chat' | 'updates'>>;

type End = Pick<JournalEntry, 'outcome'> & Partial<Pick<JournalEntry, 'error_code' | 'description' | 'fault'>>;

/** One line of the journal while its call is under way. */
export class OpenCall {
  readonly #store: Store;
  #entry: JournalEntry;

  constructor(store: Store, method: string, chat: number | undefined) {
    this.#store = store;
    this.#entry = {
      id: store.nextJournalId(),
      method,
      ...(chat === undefined ? {} : { chat }),
      time: new Date().toISOString(),
      outcome: 'pending',
      processed: false,
    };
    // A poll that brings nothing is not worth a line on disk; everything else is, from its first moment.
    if (method === 'getUpdates') store.noteOnly(this.#entry);
    else this.#write([]);
  }

  /** Writes the effect of the call and what the journal says about it in one step. */
  commit(records: readonly StateRecord[], about: About = {}): void {
    this.#entry = { ...this.#entry, ...about, processed: true };
    this.#write(records);
  }

  /** Closes the entry; only the first end counts. */
  end(end: End): void {
    if (this.#entry.outcome !== 'pending') return;
    this.#entry = { ...this.#entry, ...end, finishedAt: new Date().toISOString() };
    const isEmptyPoll = this.#entry.method === 'getUpdates' && (this.#entry.updates?.length ?? 0) === 0;
    if (isEmptyPoll && end.fault === undefined) this.#store.noteOnly(this.#entry);
    else this.#write([]);
  }

  markProcessed(): void {
    this.#entry = { ...this.#entry, processed: true };
  }

  #write(records: readonly StateRecord[]): void {
    this.#store.commit([...records, { t: 'journal', entry: this.#entry }]);
  }
}
