import { buildVideoJob, serializeVideoJob } from '../../../src/videojob/build.ts';
import { callModel } from '../postgres/functions.ts';
import { recordConsent, registerPerson } from '../postgres/orders.ts';
import { transfer } from '../postgres/settlement.ts';
import { Tables } from '../postgres/tables.ts';
import { Random } from '../random.ts';
import { passTime } from './passed-time.ts';

/** A number that PostgreSQL gave: by value for the model, by the answer it came with for the real one. */
export interface Given {
  readonly value: number;
  readonly ref: readonly [step: number, ...path: (string | number)[]];
}
type Argument = string | number | boolean | null | object | Given | { readonly instant: number };

/** One step of a sequence: a call, time that passes, or a setting. */
export type Step =
  | { readonly fn: string; readonly args: readonly Argument[] }
  | { readonly pass: number }
  | { readonly setting: 'live_attempt_limit' | 'open_order_limit' | 'unit_price'; readonly value: number };

export interface Answered {
  readonly step: Step;
  /** What the model answered, or the name of the rule that refused. */
  readonly answer: unknown;
  readonly at: number;
}

interface Order {
  readonly orderId: string;
  readonly uid: string;
  readonly hash: string;
  readonly userId: number;
}

export const settingNames = {
  live_attempt_limit: 'liveAttemptLimit',
  open_order_limit: 'openOrderLimit',
  unit_price: 'unitPrice',
} as const;

/** Seconds that pass: none near a duration of the schema's own, so that a slow machine changes no answer. */
const spans = [1.5, 6.5, 13.5, 31.5, 63.5, 63.5, 130.5, 330.5, 640.5, 950.5, 1_850.5, 3_700.5, 87_000.5];

/**
 * A random sequence of calls, played on the model while it is made, so that it gets far: at each step mostly what would be done next,
 * else anything, with arguments that are right, old or wrong.
 */
export class Sequence {
  readonly answered: Answered[] = [];
  readonly tables: Tables;
  readonly #random: Random;
  readonly #orders: Order[] = [];
  readonly #runners: { attemptId: Given; fence: Given; order: Order }[] = [];
  readonly #couriers: { fence: Given; order: Order }[] = [];
  readonly #submits: { nonce: string; order: Order }[] = [];
  readonly #edits: { nonce: string; order: Order }[] = [];
  readonly #showings: { fence: Given; order: Order }[] = [];
  readonly #followed: { attemptId: Given; fence: Given }[] = [];
  readonly #notices: Given[] = [];
  readonly #placements: object[] = [];
  #names = 0;

  constructor(seed: number, begunAt: number) {
    this.#random = new Random(seed, 11);
    const random = this.#random;
    this.tables = preparedTables(
      () => begunAt,
      () => random.bits(),
    );
    this.#play();
  }

  get steps(): Step[] {
    return this.answered.map(({ step }) => step);
  }

  #play(): void {
    const random = this.#random;
    this.#call('register_person', [1_001, 'en']);
    this.#call('register_person', [1_002, 'en']);
    if (random.chance(0.2)) this.#set('live_attempt_limit', random.between(0, 1));
    if (random.chance(0.1)) this.#set('open_order_limit', random.between(0, 3));
    this.#place();
    for (let left = random.between(8, 34); left > 0; left -= 1) {
      const order = this.#orders[random.between(0, this.#orders.length - 1)];
      if (order === undefined || random.chance(0.03)) this.#place();
      else if (random.chance(0.78)) this.#goOn(order);
      else this.#anything(order);
    }
    for (const order of this.#orders) this.#call('observe', [order.orderId]);
  }

  #set(setting: keyof typeof settingNames, value: number): void {
    this.tables.settings[settingNames[setting]] = value;
    this.#note({ setting, value }, null);
  }

  #note(step: Step, answer: unknown): void {
    this.answered.push({ step, answer, at: this.tables.now() });
  }

  #pass(seconds: number): void {
    passTime(this.tables, seconds);
    this.#note({ pass: seconds }, null);
  }

  /** Calls the model, and remembers the call for the real one. */
  #call(fn: string, args: readonly Argument[]): unknown {
    const values = args.map((arg) => (isGiven(arg) ? arg.value : arg));
    const answer = answerOf(this.tables, fn, values);
    this.#note({ fn, args }, answer);
    return answer;
  }

  /** A number in the answer to the last call. */
  #given(answer: unknown, ...path: (string | number)[]): Given {
    const value = path.reduce<unknown>(
      (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
      answer,
    );
    return { value: typeof value === 'number' ? value : -1, ref: [this.answered.length - 1, ...path] };
  }

  #name(what: string): string {
    this.#names += 1;
    return `${what}-${this.#names}-${this.#random.hex(8)}`;
  }

  #pick<T>(from: readonly T[]): T | undefined {
    // Mostly the newest; sometimes one that should have ended long ago.
    return this.#random.chance(0.7) ? from.at(-1) : from[this.#random.between(0, Math.max(0, from.length - 1))];
  }

  #one<T>(...from: readonly [T, ...T[]]): T {
    return this.#random.pick(from);
  }

  // -- orders

  #place(): void {
    const random = this.#random;
    const known = random.chance(0.15) ? this.#pick(this.#placements) : undefined;
    if (known !== undefined) {
      this.#call('place_orders', [random.chance(0.2) ? { ...known, requestHash: 'another' } : known]);
      return;
    }
    const userId = random.chance(0.8) ? 1 : 2;
    const count = random.chance(0.8) ? 1 : 3;
    const made = Array.from({ length: count }, () => this.#manifest(userId));
    const placement = {
      ...{ userId, nonce: this.#name('nonce'), unitPrice: random.chance(0.95) ? 1 : 2, requestHash: 'hash' },
      ...{ chatId: 1_000 + userId, messageId: 7, language: 'en', template: 'ad', productText: 'a cup', wishes: null },
      ...{ photoKey: 'photo/1', repeats: null },
      orders: made.map(({ orderId, videoJob, hash }) => ({ orderId, videoJob, specHash: hash })),
    };
    this.#placements.push(placement);
    const answer = this.#call('place_orders', [placement]);
    if (typeof answer !== 'object' || answer === null || Reflect.get(answer, 'outcome') !== 'placed') return;
    for (const { orderId, hash } of made) this.#orders.push({ orderId, hash, userId, uid: this.#name('uid') });
  }

  #manifest(userId: number): { orderId: string; videoJob: string; hash: string } {
    const letters = 'abcdefghijklmnopqrstuvwxyz234567';
    let orderId = '';
    while (orderId.length < 12) orderId += letters.charAt(this.#random.between(0, 31));
    const manifest = buildVideoJob({
      ...{ orderId, userId, credits: 1, photo: 'photo/1', template: 'ad', signingKey: 'key' },
      generation: { provider: 'kie', model: 'kling', maxAttempts: this.#random.between(1, 3) },
    });
    return { orderId, videoJob: serializeVideoJob(manifest), hash: manifest.spec.order.specHash };
  }

  /** What somebody who looks after the order would do next. */
  #goOn(order: Order): unknown {
    const { orderId, uid, hash } = order;
    const { tables } = this;
    const row = tables.order(orderId);
    if (tables.holds.get(orderId)?.state !== 'held') return this.#afterwards(order);
    if (row.claimedBy === null) return this.#call('claim', [orderId, uid, hash]);
    if (row.admittedAt === null) return this.#call('admit_waiting', []);
    if (tables.deliveries.has(orderId)) return this.#deliver(order);
    const attempt = tables.latestAttempt(orderId);
    if (attempt?.state === 'failed' || attempt?.state === 'rejected') {
      if (this.#random.chance(0.5)) this.#call('open_attempt', [orderId, uid, attempt.n + 1]);
      else this.#call('close_order', [orderId, uid, 'Verdict']);
      return;
    }
    const open = tables.executionsOf(orderId, 'generation').find(({ endedAt }) => endedAt === null);
    if (open === undefined) return this.#open(order, 'generation');
    const runner = this.#runners.findLast((one) => one.order === order && one.attemptId.value === attempt?.attemptId);
    if (runner === undefined || runner.fence.value !== attempt?.fence) return this.#lease(order, open.n);
    if (attempt.state === 'ready') return this.#submit(runner);
    if (attempt.state === 'accepted') return this.#verdict(runner);
    this.#answer(order);
    return undefined;
  }

  #afterwards(order: Order): unknown {
    const { orderId, userId } = order;
    const choices = [
      () => this.#call('take_showings', ['bot', 5]),
      () => this.#call('ask_showing', [orderId, userId]),
      () => this.#show(order, this.#showings),
      () => this.#follow(),
      () => this.#tell(),
    ] as const;
    const answer = this.#one(...choices)();
    if (Array.isArray(answer)) this.#remember(answer);
    return undefined;
  }

  #open(order: Order, stage: 'generation' | 'delivery'): unknown {
    const n = 1 + this.tables.executionsOf(order.orderId, stage).length;
    const number = this.#random.chance(0.9) ? n : this.#random.between(1, n + 1);
    this.#call('open_execution', [order.orderId, order.uid, stage, number, 'pod']);
    return undefined;
  }

  #lease(order: Order, n: number): unknown {
    const owner = this.#one('runner-1', 'runner-2');
    const answer = this.#call('lease_attempt', [order.orderId, order.uid, n, owner]);
    if (typeof answer !== 'object' || answer === null || Reflect.get(answer, 'outcome') !== 'leased') return;
    this.#runners.push({ order, attemptId: this.#given(answer, 'attemptId'), fence: this.#given(answer, 'fence') });
    return undefined;
  }

  #submit({ attemptId, fence, order }: { attemptId: Given; fence: Given; order: Order }): unknown {
    const random = this.#random;
    if (random.chance(0.1)) return this.#call('record_prompt', [attemptId, fence, this.#name('prompt'), 'completions']);
    if (random.chance(0.05)) return this.#call('postpone_attempt', [attemptId, fence, 'provider-busy', 5.25]);
    if (random.chance(0.05)) return this.#call('reject_attempt', [attemptId, fence, 'user-photo', 'unreadable']);
    if (random.chance(0.1)) {
      return this.#call('record_photo_url', [
        attemptId,
        fence,
        'https://x',
        { instant: random.chance(0.5) ? 200 : 9_000 },
      ]);
    }
    const used = random.chance(0.05) ? this.#pick(this.#submits)?.nonce : undefined;
    const nonce = used ?? this.#name('submit');
    this.#call('begin_submit', [attemptId, fence, nonce]);
    this.#submits.push({ nonce, order });
    return undefined;
  }

  #answer(order: Order): unknown {
    const submit = this.#pick(this.#submits.filter((one) => one.order === order)) ?? this.#pick(this.#submits);
    const nonce = submit?.nonce ?? this.#name('submit');
    const taskId = `task-${nonce}`;
    const refused = { kind: 'refused', failureClass: 'provider-rate', message: 'no', retryAfterSeconds: 2.25 };
    this.#one(
      () => this.#call('answer_submit', [nonce, { kind: 'accepted', taskId }]),
      () => this.#call('answer_submit', [nonce, { kind: 'accepted', taskId }]),
      () => this.#call('answer_submit', [nonce, { kind: 'unknown' }]),
      () => this.#call('answer_submit', [nonce, { ...refused, resubmit: true }]),
      () => this.#call('answer_submit', [nonce, { ...refused, resubmit: false, failureClass: 'user-policy' }]),
      () => this.#call('note_callback', [nonce, this.#random.chance(0.8) ? taskId : 'task-of-nobody']),
      () => this.#call('take_hints', [5]),
      () => this.#call('adopt_callback', [nonce, taskId]),
      () => this.#call('refuse_hint', [nonce, taskId]),
    )();
    return undefined;
  }

  #verdict({ attemptId, fence, order }: { attemptId: Given; fence: Given; order: Order }): void {
    const failure = this.#one('provider-internal', 'user-person', 'provider-lost');
    this.#one(
      () => this.#call('succeed_attempt', [attemptId, fence, videoOf(order.orderId)]),
      () => this.#call('succeed_attempt', [attemptId, fence, videoOf(order.orderId)]),
      () => this.#call('succeed_attempt', [attemptId, fence, videoOf(order.orderId)]),
      () => this.#call('fail_attempt', [attemptId, fence, failure, 'it failed']),
      () => this.#call('record_provider_state', [attemptId, fence, this.#one('waiting', 'generating')]),
    )();
  }

  #deliver(order: Order): unknown {
    const { orderId, uid } = order;
    const { tables } = this;
    const open = tables.executionsOf(orderId, 'delivery').find(({ endedAt }) => endedAt === null);
    if (open === undefined) return this.#open(order, 'delivery');
    const courier = this.#couriers.findLast((one) => one.order === order);
    if (courier?.fence.value !== tables.deliveries.get(orderId)?.fence) {
      const answer = this.#call('lease_delivery', [orderId, uid, open.n, this.#one('runner-3', 'runner-4')]);
      if (typeof answer === 'object' && answer !== null && Reflect.get(answer, 'outcome') === 'leased') {
        this.#couriers.push({ order, fence: this.#given(answer, 'fence') });
      }
      return;
    }
    const edit = this.#edits.findLast((one) => one.order === order);
    const isOpen = edit !== undefined && tables.edits.get(edit.nonce)?.answer === null;
    if (isOpen && this.#random.chance(0.85)) return this.#answerEdit(edit.nonce, orderId);
    this.#edit(order, courier?.fence);
    return undefined;
  }

  #edit(order: Order, fence: Given | undefined, fn: 'begin_edit' | 'begin_showing' = 'begin_edit'): unknown {
    const nonce = (this.#random.chance(0.1) ? this.#pick(this.#edits)?.nonce : undefined) ?? this.#name('edit');
    this.#call(fn, [order.orderId, fence ?? 1, nonce]);
    this.#edits.push({ nonce, order });
    return undefined;
  }

  #answerEdit(nonce: string, orderId: string): unknown {
    const refused = { kind: 'refused', failureClass: 'delivery-network', retryAfterSeconds: this.#one(0, 3.25) };
    this.#one(
      () => this.#call('shown', [orderId, nonce, 7, this.#one('file', null)]),
      () => this.#call('shown', [orderId, nonce, 7, 'file']),
      () => this.#call('answer_edit', [nonce, { kind: 'unknown', failureClass: 'delivery-network' }]),
      () => this.#call('answer_edit', [nonce, { ...refused, meaning: 'retry' }]),
      () => this.#call('answer_edit', [nonce, { ...refused, meaning: 'final' }]),
      () => this.#call('answer_edit', [nonce, { ...refused, meaning: 'unreachable' }]),
      () => this.#call('answer_edit', [nonce, { ...refused, meaning: 'missing-message' }]),
    )();
    return undefined;
  }

  #show(order: Order, showings: readonly { fence: Given; order: Order }[]): unknown {
    const showing = showings.findLast((one) => one.order === order);
    if (showing === undefined) return undefined;
    const edit = this.#edits.findLast((one) => one.order === order);
    if (edit !== undefined && this.tables.edits.get(edit.nonce)?.kind === 'showing') {
      this.#answerEdit(edit.nonce, order.orderId);
    } else this.#edit(order, showing.fence, 'begin_showing');
    return undefined;
  }

  #follow(): unknown {
    const followed = this.#pick(this.#followed);
    const end = this.#one<object>(
      ...([{ kind: 'running' }, { kind: 'failed', failureClass: 'provider-internal' }] as const),
      { kind: 'succeeded', video: videoOf(this.#orderOfAttempt(followed?.attemptId.value) ?? 'none') },
    );
    if (followed !== undefined && this.#random.chance(0.6)) {
      this.#call('record_abandoned', [followed.attemptId, followed.fence, end]);
      return undefined;
    }
    const answer = this.#call('take_abandoned', ['controller', 5]);
    if (!Array.isArray(answer)) return undefined;
    for (const index of answer.keys()) {
      this.#followed.push({
        ...{ attemptId: this.#given(answer, index, 'attemptId'), fence: this.#given(answer, index, 'fence') },
      });
    }
    return undefined;
  }

  #orderOfAttempt(attemptId: number | undefined): string | undefined {
    return attemptId === undefined ? undefined : this.tables.attempt(attemptId)?.orderId;
  }

  #tell(): unknown {
    const notice = this.#pick(this.#notices);
    if (notice !== undefined && this.#random.chance(0.6)) {
      this.#one(
        () => this.#call('end_notice', [notice, this.#one('sent', 'unreachable', 'gone', 'unknown')]),
        () => this.#call('postpone_notice', [notice, 4.25]),
      )();
      return undefined;
    }
    const answer = this.#call('take_notices', ['bot', 5]);
    if (!Array.isArray(answer)) return undefined;
    for (const index of answer.keys()) this.#notices.push(this.#given(answer, index, 'noticeId'));
    return undefined;
  }

  /** Fences of showings that were taken. */
  #remember(answer: readonly unknown[]): void {
    for (const [index, one] of answer.entries()) {
      if (typeof one !== 'object' || one === null) continue;
      const order = this.#orders.find(({ orderId }) => orderId === Reflect.get(one, 'orderId'));
      if (order !== undefined) this.#showings.push({ order, fence: this.#given(answer, index, 'fence') });
    }
  }

  /** Anything at all, with arguments that are right, old or wrong. */
  #anything(order: Order): unknown {
    const { orderId, uid, hash, userId } = order;
    const random = this.#random;
    const otherUid = random.chance(0.85) ? uid : 'uid-of-another';
    const runner = this.#pick(this.#runners);
    const courier = this.#pick(this.#couriers);
    const edit = this.#pick(this.#edits);
    const stage = this.#one('generation', 'delivery');
    const executions = this.tables.executionsOf(orderId, stage);
    const request = this.#one('Clock', 'Clock', 'Verdict', 'DeliveryOver', 'Deleted', 'InvalidSpec', 'Forfeit');
    const nothing = (): undefined => undefined;
    this.#one<() => unknown>(
      () => this.#pass(spans[random.between(0, spans.length - 1)] ?? 1.5),
      () => this.#pass(spans[random.between(0, 5)] ?? 1.5),
      () => this.#pass(spans[random.between(0, 8)] ?? 1.5),
      () => this.#call('claim', [orderId, otherUid, random.chance(0.8) ? hash : 'v1:0']),
      () => this.#call('observe', [random.chance(0.95) ? orderId : 'aaaaaaaaaaaa']),
      () => this.#call('admit_waiting', []),
      () => this.#call('take_orders_to_relay', [10]),
      () => this.#call('close_order', [orderId, otherUid, request]),
      () => this.#call('close_order', [orderId, random.chance(0.5) ? uid : null, request]),
      () => this.#call('cancel_order', [orderId, random.chance(0.9) ? userId : 3 - userId]),
      () => this.#call('cancel_claimed_order', [orderId, otherUid]),
      () => this.#call('close_overdue_holds', []),
      () => this.#call('due_orders', [{ instant: this.#one(-5, -100, -100_000) }]),
      () => this.#call('set_suspended', [orderId, otherUid, random.chance(0.5)]),
      () => this.#open(order, stage),
      () =>
        this.#call('end_execution', [
          ...[orderId, otherUid, stage, Math.max(1, executions.length)],
          this.#one('Completed', 'Crashed', 'Lost', 'PodStartFailed', 'Superseded'),
        ]),
      () => this.#lease(order, random.between(1, 3)),
      () => (runner === undefined ? nothing() : this.#call('renew_attempt', [runner.attemptId, runner.fence])),
      () => (runner === undefined ? nothing() : this.#submit(runner)),
      () => (runner === undefined ? nothing() : this.#verdict(runner)),
      () => this.#answer(order),
      () => (courier === undefined ? nothing() : this.#call('renew_delivery', [orderId, courier.fence])),
      () => (courier === undefined ? nothing() : this.#edit(courier.order, courier.fence)),
      () => (edit === undefined ? nothing() : this.#answerEdit(edit.nonce, edit.order.orderId)),
      () =>
        this.#call('adopt_message', [
          orderId,
          random.chance(0.5) ? null : (courier?.fence ?? 1),
          this.#one(7, null),
          this.#one(9, null),
        ]),
      () => this.#call('register_person', [1_000 + userId, 'en']),
      () => this.#call('balance', [userId]),
      () => this.#call('open_orders', [userId]),
      () => this.#call('own_order', [orderId, random.chance(0.8) ? userId : 3 - userId]),
      () => this.#call('take_submit_token', ['kie']),
      () => this.#tell(),
      () => this.#tell(),
      () => this.#follow(),
      () => this.#afterwards(order),
    )();
    return undefined;
  }
}

/** The books as a sequence finds them: two people with seven credits each. */
export function preparedTables(now: () => number, bits: () => number): Tables {
  const tables = new Tables(now, bits);
  for (const userId of [1, 2]) {
    registerPerson(tables, 1_000 + userId, 'en');
    recordConsent(tables, userId, '1');
    transfer(tables, {
      ...{ key: `admin:${userId}`, kind: 'grant', userId, amount: 4, freeAmount: 4 },
      ...{ debit: 'sys/grants', credit: `user/${userId}/available` },
    });
  }
  return tables;
}

function videoOf(orderId: string): object {
  return { key: `${orderId}/sha`, sha256: 'sha', bytes: 1_000, seconds: 15.5, width: 720, height: 1_280 };
}

export function isGiven(arg: unknown): arg is Given {
  return typeof arg === 'object' && arg !== null && 'ref' in arg && 'value' in arg;
}

/** What the model answers to a call, or the name of the rule that refuses it. */
export function answerOf(tables: Tables, fn: string, args: readonly unknown[]): unknown {
  const values = args.map((arg) => {
    if (typeof arg !== 'object' || arg === null) return arg;
    if ('instant' in arg && typeof arg.instant === 'number') return new Date(tables.now() + arg.instant * 1000);
    return JSON.stringify(arg);
  });
  try {
    return inOrder(callModel(tables, fn, values));
  } catch (error) {
    const rule: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'constraint') : undefined;
    if (typeof rule !== 'string') throw error;
    return { refused: rule };
  } finally {
    tables.commit();
  }
}

function placeOf(value: object): string {
  const { orderId, nonce, taskId }: { orderId?: string; nonce?: string; taskId?: string } = value;
  return orderId ?? `${nonce ?? ''}${taskId ?? ''}`;
}

/** Lists that PostgreSQL may give in any order. */
export function inOrder(answer: unknown): unknown {
  const keyOf = (value: unknown): string => {
    if (typeof value === 'string') return value;
    return typeof value === 'object' && value !== null ? placeOf(value) : '';
  };
  if (Array.isArray(answer)) return (answer as unknown[]).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  if (typeof answer === 'object' && answer !== null && 'orders' in answer && 'now' in answer) {
    return { ...answer, orders: inOrder(answer.orders) };
  }
  return answer;
}
