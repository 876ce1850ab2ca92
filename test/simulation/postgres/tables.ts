import type {
  AccountRow,
  AttemptRow,
  DeliveryRow,
  EditRow,
  ExecutionRow,
  GroupRow,
  HintRow,
  HoldRow,
  NoticeRow,
  OrderRow,
  PauseRow,
  PersonRow,
  Settings,
  SubmitNonceRow,
  TransferRow,
} from './rows.ts';

/** What a trigger or a constraint says: the name of the rule, as PostgreSQL gives it. */
export class RuleError extends Error {
  readonly code = '23514';
  readonly constraint: string;

  constructor(rule: string, explanation = '') {
    super(`${rule}: ${explanation}`);
    this.constraint = rule;
  }
}

export interface Notification {
  readonly channel: string;
  readonly payload: string;
}

/**
 * The tables of the model, with an undo journal: a call that throws, or a transaction that is rolled back, leaves nothing behind.
 * Writes go through `set`, `put` and `append`, or they could not be undone.
 */
export class Tables {
  readonly settings: Settings = {
    welcomeCredits: 3,
    unitPrice: 1,
    openOrderLimit: 5,
    liveAttemptLimit: 20,
    acceptingOrders: true,
    usualSeconds: 240,
  };
  readonly people = new Map<number, PersonRow>();
  readonly accounts = new Map<string, AccountRow>();
  readonly transfers: TransferRow[] = [];
  readonly holds = new Map<string, HoldRow>();
  readonly groups: GroupRow[] = [];
  readonly orders = new Map<string, OrderRow>();
  readonly pauses: PauseRow[] = [];
  readonly executions: ExecutionRow[] = [];
  readonly submitNonces = new Map<string, SubmitNonceRow>();
  readonly attempts: AttemptRow[] = [];
  readonly deliveries = new Map<string, DeliveryRow>();
  readonly edits = new Map<string, EditRow>();
  readonly notices: NoticeRow[] = [];
  readonly hints: HintRow[] = [];
  readonly tokens = new Map<string, number[]>();

  /** `clock_timestamp()`, in milliseconds. */
  readonly now: () => number;
  /** 36 random bits, as a fence grows by. */
  readonly fenceBits: () => number;
  #undo: (() => void)[] = [];
  #told: Notification[] = [];
  #identity = 0;
  #isPinned = false;

  constructor(now: () => number, fenceBits: () => number) {
    this.now = now;
    this.fenceBits = fenceBits;
  }

  /** The next number of an identity column; like PostgreSQL's it is not given back by a rollback. */
  nextId(): number {
    this.#identity += 1;
    return this.#identity;
  }

  set<T extends object>(row: T, change: Partial<T>): void {
    const before: Partial<T> = {};
    for (const key of Object.keys(change) as (keyof T)[]) before[key] = row[key];
    Object.assign(row, change);
    this.#undo.push(() => Object.assign(row, before));
  }

  put<K, V>(table: Map<K, V>, key: K, row: V): V {
    table.set(key, row);
    this.#undo.push(() => table.delete(key));
    return row;
  }

  append<T>(table: T[], row: T): T {
    table.push(row);
    this.#undo.push(() => table.splice(table.indexOf(row), 1));
    return row;
  }

  notify(channel: string, payload: string): void {
    if (!this.#told.some((one) => one.channel === channel && one.payload === payload)) {
      this.#told.push({ channel, payload });
    }
  }

  /** Where a statement begins: what comes after it can be undone. */
  mark(): { undo: number; told: number } {
    return { undo: this.#undo.length, told: this.#told.length };
  }

  rollback({ undo, told }: { undo: number; told: number }): void {
    while (this.#undo.length > undo) this.#undo.pop()?.();
    this.#told.length = told;
  }

  /** Until the answer is called, what is committed can be taken back too: for a call that is answered and not done. */
  pin(): () => void {
    const mark = this.mark();
    this.#isPinned = true;
    return () => {
      this.#isPinned = false;
      this.rollback({ ...mark, told: 0 });
    };
  }

  /** What is told to listeners, now that it is committed. */
  commit(): Notification[] {
    if (!this.#isPinned) this.#undo = [];
    const told = this.#told;
    this.#told = [];
    return told;
  }

  attemptsOf(orderId: string): AttemptRow[] {
    return this.attempts.filter((row) => row.orderId === orderId);
  }

  /** The one with the highest number. */
  latestAttempt(orderId: string): AttemptRow | undefined {
    let latest: AttemptRow | undefined;
    for (const row of this.attempts) if (row.orderId === orderId && (latest?.n ?? 0) < row.n) latest = row;
    return latest;
  }

  attempt(attemptId: number): AttemptRow | undefined {
    return this.attempts.find((row) => row.attemptId === attemptId);
  }

  executionsOf(orderId: string, stage: 'generation' | 'delivery'): ExecutionRow[] {
    return this.executions.filter((row) => row.orderId === orderId && row.stage === stage);
  }

  isSuspended(orderId: string): boolean {
    return this.pauses.some((row) => row.orderId === orderId && row.cause === 'suspended' && row.upper === null);
  }

  /** Begun edits that may be on the person's screen for all anybody knows. */
  editsUnanswered(orderId: string): number {
    let count = 0;
    for (const row of this.edits.values()) {
      if (row.orderId === orderId && (row.answer === null || row.answer === 'unknown')) count += 1;
    }
    return count;
  }

  order(orderId: string): OrderRow {
    const row = this.orders.get(orderId);
    if (row === undefined) throw new Error(`the model has no order ${orderId}`);
    return row;
  }

  // -- the triggers that tell of changes

  touch(orderId: string): void {
    const order = this.orders.get(orderId);
    if (order !== undefined) this.set(order, { changedAt: this.now() });
    this.notify('neurocards_orders', orderId);
  }

  setAttempt(row: AttemptRow, change: Partial<AttemptRow>): void {
    const { state, notBefore, taskId, failureClass, followed } = row;
    this.set(row, change);
    if (
      row.state !== state ||
      row.notBefore !== notBefore ||
      row.taskId !== taskId ||
      row.failureClass !== failureClass ||
      row.followed !== followed
    ) {
      this.touch(row.orderId);
    }
  }

  setDelivery(row: DeliveryRow, change: Partial<DeliveryRow>): void {
    const { state, notBefore, refusedAt } = row;
    this.set(row, change);
    if (row.state !== state || row.notBefore !== notBefore || row.refusedAt !== refusedAt) this.touch(row.orderId);
  }

  setExecution(row: ExecutionRow, change: Partial<ExecutionRow>): void {
    this.set(row, change);
    this.touch(row.orderId);
  }
}

/** The same few instants are written again and again. */
const written = new Map<number, string>();

/** A timestamptz inside jsonb. */
export function iso(instant: number): string;
export function iso(instant: number | null): string | null;
export function iso(instant: number | null): string | null {
  if (instant === null) return null;
  const known = written.get(instant);
  if (known !== undefined) return known;
  if (written.size > 1_000) written.clear();
  const text = new Date(instant).toISOString();
  written.set(instant, text);
  return text;
}
