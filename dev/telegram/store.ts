import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type {
  Chat,
  Fault,
  FileRecord,
  Invoice,
  JournalEntry,
  Profile,
  StateRecord,
  StoredMessage,
  StoredUpdate,
  Transaction,
  Webhook,
} from './model.ts';
import { record } from './model.ts';

const journalLimit = 50_000;
const confirmedLimit = 1_000;
/** Telegram updates have ids of this size; a small one would hide a mixed-up id. */
const firstUpdateId = 700_000_000;

/**
 * Everything the stand-in knows, in memory and in one append-only log. `commit` writes before it returns, so an answer
 * given afterwards is never forgotten by a SIGKILL (a power cut may: nothing here is synced to disk).
 */
export class Store {
  readonly chats = new Map<number, Chat>();
  readonly files = new Map<string, FileRecord>();
  readonly filesByPath = new Map<string, FileRecord>();
  readonly transactions = new Map<string, Transaction>();
  readonly invoiceLinks = new Map<string, Invoice>();
  readonly faults = new Map<number, Fault>();
  /** Updates that the bot has not confirmed, oldest first. */
  pending: StoredUpdate[] = [];
  /** The last confirmed ones, for redelivery. */
  confirmed: StoredUpdate[] = [];
  journal: JournalEntry[] = [];
  webhook: Webhook | undefined;
  /** Empty: every type a bot gets without asking. */
  allowedUpdates: readonly string[] = [];
  profile: Profile = { commands: {}, description: {}, shortDescription: {} };

  readonly #messages = new Map<number, Map<number, StoredMessage>>();
  readonly #journalById = new Map<number, JournalEntry>();
  readonly #listeners: ((records: readonly StateRecord[]) => void)[] = [];
  readonly #path: string;
  #log = -1;
  #lastMessage = 0;
  #lastUpdate = firstUpdateId;
  #lastFile = 0;
  #lastJournal = 0;
  #lastFault = 0;

  /** Reads what an earlier run left in the directory and makes the log short again. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, 'state.jsonl');
    if (existsSync(this.#path)) this.#replay(readFileSync(this.#path, 'utf8'));
    this.#compact();
  }

  /** Applies records and writes them as one line: after a kill either all of them are there or none. */
  commit(records: readonly StateRecord[]): void {
    for (const each of records) this.#apply(each);
    // After close nobody is answered any more: what is still under way was never promised to anyone.
    if (this.#log < 0) return;
    writeSync(this.#log, `${JSON.stringify(records)}\n`);
    for (const listener of this.#listeners) listener(records);
  }

  /** Keeps a journal entry in memory only: for the many polls that brought nothing. */
  noteOnly(entry: JournalEntry): void {
    this.#apply({ t: 'journal', entry });
  }

  onCommit(listener: (records: readonly StateRecord[]) => void): void {
    this.#listeners.push(listener);
  }

  message(chat: number, id: number): StoredMessage | undefined {
    return this.#messages.get(chat)?.get(id);
  }

  messages(chat: number): StoredMessage[] {
    return [...(this.#messages.get(chat)?.values() ?? [])];
  }

  /** One sequence for all chats, as every Telegram account has it: ids of different chats never coincide. */
  nextMessageId(): number {
    this.#lastMessage += 1;
    return this.#lastMessage;
  }

  nextUpdateId(): number {
    this.#lastUpdate += 1;
    return this.#lastUpdate;
  }

  nextFileNumber(): number {
    this.#lastFile += 1;
    return this.#lastFile;
  }

  nextJournalId(): number {
    this.#lastJournal += 1;
    return this.#lastJournal;
  }

  nextFaultId(): number {
    this.#lastFault += 1;
    return this.#lastFault;
  }

  close(): void {
    if (this.#log >= 0) closeSync(this.#log);
    this.#log = -1;
  }

  #apply(each: StateRecord): void {
    switch (each.t) {
      case 'chat':
        this.chats.set(each.chat.id, each.chat);
        return;
      case 'message':
        this.#applyMessage(each.message);
        return;
      case 'file':
        this.files.set(each.file.file_id, each.file);
        this.filesByPath.set(each.file.path, each.file);
        return;
      case 'update':
        this.#lastUpdate = Math.max(this.#lastUpdate, each.update.update_id);
        this.pending.push(each.update);
        return;
      case 'confirmed':
        this.#applyConfirmed(new Set(each.ids));
        return;
      case 'transaction':
        this.transactions.set(each.transaction.charge_id, each.transaction);
        return;
      case 'invoice-link':
        this.invoiceLinks.set(each.slug, each.invoice);
        return;
      case 'journal':
        this.#applyJournal(each.entry);
        return;
      case 'fault':
        this.#lastFault = Math.max(this.#lastFault, each.fault.id);
        if (each.fault.times > 0) this.faults.set(each.fault.id, each.fault);
        else this.faults.delete(each.fault.id);
        return;
      case 'faults-cleared':
        this.faults.clear();
        return;
      case 'webhook':
        this.webhook = each.webhook ?? undefined;
        return;
      case 'allowed-updates':
        this.allowedUpdates = each.types;
        return;
      case 'profile':
        this.profile = each.profile;
        return;
      case 'counters':
        this.#lastUpdate = Math.max(this.#lastUpdate, each.update);
        this.#lastFile = Math.max(this.#lastFile, each.file);
        this.#lastJournal = Math.max(this.#lastJournal, each.journal);
        return;
    }
  }

  #applyMessage(message: StoredMessage): void {
    this.#lastMessage = Math.max(this.#lastMessage, message.message_id);
    let ofChat = this.#messages.get(message.chat);
    if (ofChat === undefined) {
      ofChat = new Map();
      this.#messages.set(message.chat, ofChat);
    }
    ofChat.set(message.message_id, message);
  }

  #applyConfirmed(ids: ReadonlySet<number>): void {
    const done = this.pending.filter((update) => ids.has(update.update_id));
    this.pending = this.pending.filter((update) => !ids.has(update.update_id));
    this.confirmed = [...this.confirmed, ...done].slice(-confirmedLimit);
  }

  #applyJournal(entry: JournalEntry): void {
    this.#lastJournal = Math.max(this.#lastJournal, entry.id);
    const known = this.#journalById.get(entry.id);
    if (known !== undefined) {
      Object.assign(known, entry);
      return;
    }
    const copy = { ...entry };
    this.#journalById.set(entry.id, copy);
    this.journal.push(copy);
    if (this.journal.length > journalLimit * 1.1) {
      for (const old of this.journal.splice(0, this.journal.length - journalLimit)) this.#journalById.delete(old.id);
    }
  }

  #replay(text: string): void {
    const line = z.array(record);
    for (const each of text.split('\n')) {
      if (each === '') continue;
      let value: unknown;
      try {
        value = JSON.parse(each);
      } catch {
        // Torn by a kill in the middle of a write: nobody was answered yet.
        continue;
      }
      for (const one of line.parse(value)) this.#apply(one);
    }
    // File numbers are taken before their record is written, so a crash may leave files of a number without a record.
    this.#lastFile = Math.max(this.#lastFile, ...[...this.files.values()].map((file) => fileNumber(file.path))) + 1;
    for (const entry of this.journal) if (entry.outcome === 'pending') entry.outcome = 'dropped';
  }

  #compact(): void {
    const lines = [...this.#everything()].map((each) => `${JSON.stringify([each])}\n`);
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, lines.join(''));
    renameSync(temporary, this.#path);
    this.#log = openSync(this.#path, 'a');
  }

  *#everything(): Generator<StateRecord> {
    yield { t: 'counters', update: this.#lastUpdate, file: this.#lastFile, journal: this.#lastJournal };
    for (const chat of this.chats.values()) yield { t: 'chat', chat };
    for (const ofChat of this.#messages.values())
      for (const message of ofChat.values()) yield { t: 'message', message };
    for (const file of this.files.values()) yield { t: 'file', file };
    for (const update of [...this.confirmed, ...this.pending]) yield { t: 'update', update };
    yield { t: 'confirmed', ids: this.confirmed.map((update) => update.update_id) };
    for (const transaction of this.transactions.values()) yield { t: 'transaction', transaction };
    for (const [slug, invoice] of this.invoiceLinks) yield { t: 'invoice-link', slug, invoice };
    for (const entry of this.journal) yield { t: 'journal', entry };
    for (const fault of this.faults.values()) yield { t: 'fault', fault };
    yield { t: 'webhook', webhook: this.webhook ?? null };
    yield { t: 'allowed-updates', types: [...this.allowedUpdates] };
    yield { t: 'profile', profile: this.profile };
  }
}

function fileNumber(path: string): number {
  return Number(/_(\d+)\./.exec(path)?.[1] ?? 0);
}
