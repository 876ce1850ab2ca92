import { randomUUID } from 'node:crypto';
import {
  adoptMessage,
  answerEdit,
  askShowing,
  beginEdit,
  beginShowing,
  type EditAnswer,
  leaseDelivery,
  recordShown,
  renewDelivery,
  takeShowings,
} from '../../src/delivery/delivery.ts';
import {
  admitWaiting,
  adoptCallback,
  answerSubmit,
  beginSubmit,
  failAttempt,
  leaseAttempt,
  openAttempt,
  postponeAttempt,
  recordAbandoned,
  rejectAttempt,
  renewAttempt,
  type SubmitAnswer,
  succeedAttempt,
  takeAbandoned,
} from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { type ExecutionEnd, endExecution, openExecution, type Stage } from '../../src/ledger/executions.ts';
import { registerPerson } from '../../src/ledger/people.ts';
import {
  type CloseRequest,
  cancelClaimedOrder,
  cancelOrder,
  closeOrder,
  readDueOrders,
  type Settled,
} from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { endNotice, takeNotices } from '../../src/order/notices.ts';
import { setSuspended } from '../../src/order/observation.ts';
import { takeOrdersToRelay } from '../../src/order/relay-queue.ts';
import { type TestLedger, type TestPerson, videoOf } from './ledger.ts';

/** One thing that happens; `pick` chooses among what there is at that moment. */
export type Happening = { readonly what: (typeof happenings)[number]; readonly pick: number };

/** Something that must never be, whatever happens. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

interface Submit {
  readonly nonce: string;
  /** Whether the POST has reached the provider: from then on a task is paid. */
  posted: boolean;
  /** Whether its maker may still send it. */
  open: boolean;
}
interface Edit {
  readonly nonce: string;
  /** Whether the video is on the screen by this edit. */
  effect: boolean;
  open: boolean;
}

/**
 * One order with everybody who works on it: controllers that believe anything, runners that go on after they lost the lease, calls
 * whose replies are lost, late second copies of calls; and beside the database the truth outside: what was paid, what is on the screen.
 */
export class OrderWorld {
  readonly #ledger: TestLedger;
  readonly #person: TestPerson;
  readonly orderId: string;
  readonly #hash: string;
  readonly #uid = randomUUID();
  readonly #runners: { attemptId: number; fence: number }[] = [];
  readonly #couriers: number[] = [];
  readonly #submits: Submit[] = [];
  readonly #edits: Edit[] = [];
  /** Every write that was ever sent, so that any of them can arrive again. */
  readonly #sent: (() => Promise<unknown>)[] = [];
  settled: Settled | null = null;
  #forfeited = false;

  private constructor(ledger: TestLedger, person: TestPerson, orderId: string, hash: string) {
    this.#ledger = ledger;
    this.#person = person;
    this.orderId = orderId;
    this.#hash = hash;
  }

  static async begin(ledger: TestLedger, person: TestPerson): Promise<OrderWorld> {
    const placement = ledger.placement(person);
    const placed = await ledger.place(placement);
    const [order] = placement.orders;
    if (placed.outcome !== 'placed' || order === undefined) throw new Error(JSON.stringify(placed));
    return new OrderWorld(ledger, person, order.orderId, order.specHash);
  }

  get paidTasks(): number {
    return this.#submits.filter(({ posted }) => posted).length;
  }

  get onScreen(): boolean {
    return this.#edits.some(({ effect }) => effect);
  }

  /** What is promised of an order at every moment, whatever happens. Throws what is broken. */
  async check(): Promise<void> {
    const bugs = (await this.#ledger.violations()).filter(({ subject }) => subject !== '');
    if (bugs.length > 0) throw new BrokenPromise(`violations: ${JSON.stringify(bugs)}`);
    const seen = await this.#ledger.observe(this);
    if (this.settled !== null && JSON.stringify(this.settled) !== JSON.stringify(seen.settled)) {
      throw new BrokenPromise(`settled twice: ${JSON.stringify([this.settled, seen.settled])}`);
    }
    this.settled = seen.settled;
    if (this.paidTasks > 1 + seen.attempts.confirmedFailures) throw new BrokenPromise(`${this.paidTasks} paid tasks`);
    if (this.paidTasks > 0 && seen.claimedBy !== this.#uid) throw new BrokenPromise('a paid task without a claim');
    if (seen.settled?.reason === 'Cancelled' && !this.#forfeited && this.paidTasks > seen.attempts.confirmedFailures) {
      throw new BrokenPromise('a cancellation gave up a paid task');
    }
    const state = seen.delivery?.state;
    if (seen.settled?.outcome === 'released') {
      if (this.onScreen) throw new BrokenPromise('released, and on the screen');
      if (this.#edits.some(({ open }) => open)) throw new BrokenPromise('released while an edit may still happen');
    }
    if (seen.settled?.outcome === 'captured') {
      if (state === undefined || !['shown', 'waiting', 'uncertain'].includes(state))
        throw new BrokenPromise(`captured, ${state}`);
      if (state === 'shown' && !this.onScreen) throw new BrokenPromise('shown in the books only');
      if (seen.settled.reason === 'VideoDelivered' && !this.onScreen)
        throw new BrokenPromise('delivered in the books only');
    }
  }

  /** All that may still arrive, arrives; then a day passes, and the order has to be settled. */
  async end(): Promise<void> {
    for (const edit of this.#edits.filter(({ open }) => open)) await this.#show(edit);
    await this.check();
    await this.#ledger.pass(this, 90_000);
    await closeOverdueHolds(this.#ledger.controller);
    await this.check();
    for (const call of this.#sent) await this.#call(call);
    await this.check();
    if (this.settled === null) throw new BrokenPromise('credits are held after a day');
  }

  async happen({ what, pick }: Happening): Promise<void> {
    const { runner, controller, bot } = this.#ledger;
    const order = this.orderId;
    const uid = this.#uid;
    switch (what) {
      case 'relay':
        return void (await takeOrdersToRelay(bot, 5));
      case 'claim':
        return this.#send(() =>
          claimOrder(controller, order, pick % 6 === 5 ? 'other' : uid, pick % 6 === 4 ? 'v1:0' : this.#hash),
        ).then(() => undefined);
      case 'admit':
        return this.#send(() => admitWaiting(controller)).then(() => undefined);
      case 'open execution':
        return this.#openExecution(pick % 2 === 0 ? 'generation' : 'delivery', pick);
      case 'end execution':
        return this.#endExecution(pick % 2 === 0 ? 'generation' : 'delivery', pick);
      case 'lease attempt': {
        const lease = await leaseAttempt(runner, order, uid, 1 + (pick % 6), `owner-${pick % 3}`);
        if (lease.outcome === 'leased') this.#runners.push(lease);
        return;
      }
      case 'renew':
        return this.#asRunner(pick, ({ attemptId, fence }) => renewAttempt(runner, attemptId, fence));
      case 'submit':
        return this.#submit(pick);
      case 'post':
        return this.#one(
          pick,
          this.#submits,
          (submit) => submit.open && !submit.posted,
          async (submit) => {
            submit.posted = true;
          },
        );
      case 'answer submit':
        return this.#answerSubmit(pick);
      case 'callback':
        return this.#one(
          pick,
          this.#submits,
          ({ posted }) => posted,
          ({ nonce }) => this.#send(() => adoptCallback(controller, nonce, `task-${nonce}`)),
        );
      case 'verdict':
        return this.#verdict(pick);
      case 'open attempt':
        return this.#send(() => openAttempt(controller, order, uid, 2 + (pick % 2))).then(() => undefined);
      case 'lease delivery': {
        const lease = await leaseDelivery(runner, order, uid, 1 + (pick % 4), `owner-${pick % 3}`);
        if (lease.outcome === 'leased') this.#couriers.push(lease.fence);
        return;
      }
      case 'renew delivery':
        return this.#one(
          pick,
          this.#couriers,
          () => true,
          (fence) => this.#send(() => renewDelivery(runner, order, fence)),
        );
      case 'edit':
        return this.#one(
          pick,
          this.#couriers,
          () => true,
          (fence) => this.#edit(pick, (nonce) => beginEdit(runner, order, fence, nonce)),
        );
      case 'show':
        return this.#one(
          pick,
          this.#edits,
          ({ open }) => open,
          (edit) => this.#show(edit),
        );
      case 'answer edit':
        return this.#answerEdit(pick);
      case 'showing':
        for (const showing of await takeShowings(bot, 'bot', 5)) {
          if (showing.orderId === order)
            await this.#edit(pick, (nonce) => beginShowing(bot, order, showing.fence, nonce));
        }
        return;
      case 'ask':
        return this.#send(() => askShowing(bot, order, this.#person.userId)).then(() => undefined);
      case 'come back':
        return void (await registerPerson(bot, this.#person.chatId, 'en'));
      case 'adopt message':
        return this.#send(() =>
          adoptMessage(bot, order, null, pick % 2 === 0 ? 7 : null, pick % 3 === 0 ? null : pick),
        ).then(() => undefined);
      case 'close': {
        const requests: CloseRequest[] = ['Clock', 'Verdict', 'DeliveryOver', 'Clock', 'Deleted', 'InvalidSpec'];
        const request = requests[pick % requests.length] ?? 'Clock';
        return this.#send(() => closeOrder(controller, order, uid, request)).then(() => undefined);
      }
      case 'close unclaimed':
        return this.#send(() => closeOrder(bot, order, null, pick % 3 === 0 ? 'InvalidSpec' : 'Clock')).then(
          () => undefined,
        );
      case 'forfeit':
        this.#forfeited = true;
        return this.#send(() => closeOrder(this.#ledger.admin, order, null, 'Forfeit')).then(() => undefined);
      case 'cancel':
        return this.#send(() =>
          pick % 2 === 0 ? cancelOrder(bot, order, this.#person.userId) : cancelClaimedOrder(controller, order, uid),
        ).then(() => undefined);
      case 'suspend':
        return this.#send(() => setSuspended(controller, order, uid, pick % 2 === 0)).then(() => undefined);
      case 'sweep':
        return void (await readDueOrders(controller, new Date(0)));
      case 'follow':
        for (const { attemptId, fence, orderId } of await takeAbandoned(controller, 'controller', 5)) {
          if (orderId !== order) continue;
          await recordAbandoned(
            controller,
            attemptId,
            fence,
            pick % 3 === 0 ? { kind: 'succeeded', video: videoOf(order) } : { kind: 'running' },
          );
        }
        return;
      case 'tell':
        for (const { noticeId } of await takeNotices(bot, 'bot', 3)) {
          await endNotice(bot, noticeId, pick % 5 === 0 ? 'unreachable' : 'sent');
        }
        return;
      case 'time':
        return this.#ledger.pass(this, [1, 6, 30, 61, 61, 200, 620, 950, 1900, 3700, 87_000][pick % 11] ?? 1);
      case 'late copy':
        return this.#one(
          pick,
          this.#sent,
          () => true,
          (call) => this.#call(call),
        );
    }
  }

  async #openExecution(stage: Stage, pick: number): Promise<void> {
    const seen = await this.#ledger.observe(this);
    const count = (stage === 'generation' ? seen.generationExecutions : seen.deliveryExecutions).length;
    await this.#send(() =>
      openExecution(this.#ledger.controller, this.orderId, this.#uid, stage, count + (pick % 5 === 0 ? 0 : 1)),
    );
  }

  async #endExecution(stage: Stage, pick: number): Promise<void> {
    const seen = await this.#ledger.observe(this);
    const count = (stage === 'generation' ? seen.generationExecutions : seen.deliveryExecutions).length;
    const causes: ExecutionEnd[] = ['Completed', 'Crashed', 'Lost', 'PodStartFailed'];
    const cause = causes[pick % causes.length] ?? 'Lost';
    await this.#send(() => endExecution(this.#ledger.controller, this.orderId, this.#uid, stage, count, cause));
  }

  /** As the runner does it: an unknown begin is answered as not sent, and may arrive after that answer. */
  async #submit(pick: number): Promise<void> {
    const { runner } = this.#ledger;
    const nonce = randomUUID();
    await this.#asRunner(pick, async ({ attemptId, fence }) => {
      const begin = (): Promise<{ done: boolean }> => beginSubmit(runner, attemptId, fence, nonce);
      this.#sent.push(begin);
      const luck = pick % 8;
      if (luck < 6) {
        const begun = await this.#call(begin);
        if (begun?.done === true) this.#submits.push({ nonce, posted: false, open: true });
        return;
      }
      // The reply is lost (6), or the call itself is late (7).
      if (luck === 6) await this.#call(begin);
      await this.#send(() => answerSubmit(runner, nonce, notSent));
    });
  }

  async #answerSubmit(pick: number): Promise<void> {
    const { runner } = this.#ledger;
    await this.#one(
      pick,
      this.#submits,
      ({ open }) => open,
      (submit) => {
        const answers: SubmitAnswer[] = submit.posted
          ? [{ kind: 'accepted', taskId: `task-${submit.nonce}` }, { kind: 'unknown' }]
          : [notSent, { ...notSent, resubmit: false, failureClass: 'user-policy' }, { kind: 'unknown' }];
        const answer = answers[pick % answers.length] ?? notSent;
        submit.open = false;
        return this.#send(() => answerSubmit(runner, submit.nonce, answer));
      },
    );
  }

  #verdict(pick: number): Promise<void> {
    const { runner } = this.#ledger;
    return this.#asRunner(pick, ({ attemptId, fence }) =>
      this.#send(async () => {
        switch (pick % 6) {
          case 0:
            return failAttempt(runner, attemptId, fence, 'provider-internal', 'failed');
          case 1:
            return failAttempt(runner, attemptId, fence, 'user-person', 'a person');
          case 2:
            return rejectAttempt(runner, attemptId, fence, 'user-photo', 'unreadable');
          case 3:
            return postponeAttempt(runner, attemptId, fence, 'provider-busy', 5);
          default:
            return succeedAttempt(runner, attemptId, fence, videoOf(this.orderId));
        }
      }),
    );
  }

  async #edit(pick: number, begin: (nonce: string) => Promise<{ done: boolean }>): Promise<void> {
    const nonce = randomUUID();
    this.#sent.push(() => begin(nonce));
    const luck = pick % 8;
    if (luck < 6) {
      const begun = await this.#call(() => begin(nonce));
      if (begun?.done === true) this.#edits.push({ nonce, effect: false, open: true });
      return;
    }
    if (luck === 6) await this.#call(() => begin(nonce));
    await this.#send(() => answerEdit(this.#ledger.runner, nonce, editNotSent));
  }

  /** The edit reaches Telegram at this moment, however late; whether the books hear of it is another matter. */
  async #show(edit: Edit): Promise<void> {
    edit.effect = true;
    edit.open = false;
    if (edit.nonce.charCodeAt(0) % 4 === 0) return;
    await this.#send(() =>
      recordShown(this.#ledger.runner, this.orderId, edit.nonce, { messageId: 7, fileId: 'file' }),
    );
  }

  async #answerEdit(pick: number): Promise<void> {
    await this.#one(
      pick,
      this.#edits,
      () => true,
      async (edit) => {
        if (edit.effect) {
          const shown = (): Promise<unknown> =>
            recordShown(this.#ledger.runner, this.orderId, edit.nonce, { messageId: 7, fileId: 'file' });
          await this.#send(pick % 2 === 0 ? shown : () => answerEdit(this.#ledger.runner, edit.nonce, editUnknown));
          return;
        }
        if (!edit.open) return;
        const meanings = ['final', 'unreachable', 'missing-message', 'retry'] as const;
        const answer: EditAnswer =
          pick % 5 === 4
            ? editUnknown
            : { ...editNotSent, meaning: meanings[pick % 5] ?? 'retry', failureClass: 'delivery-network' };
        if (answer.kind === 'refused') edit.open = false;
        await this.#send(() => answerEdit(this.#ledger.runner, edit.nonce, answer));
      },
    );
  }

  async #asRunner(
    pick: number,
    act: (runner: { attemptId: number; fence: number }) => Promise<unknown>,
  ): Promise<void> {
    // Mostly the newest one; sometimes one that lost the lease long ago.
    const runner = pick % 3 === 0 ? this.#runners[pick % Math.max(1, this.#runners.length)] : this.#runners.at(-1);
    if (runner !== undefined) await act(runner);
  }

  async #one<T>(
    pick: number,
    all: readonly T[],
    fits: (one: T) => boolean,
    act: (one: T) => Promise<unknown>,
  ): Promise<void> {
    const found = all.filter(fits);
    const one = pick % 2 === 0 ? found.at(-1) : found[pick % Math.max(1, found.length)];
    if (one !== undefined) await act(one);
  }

  /** A write, remembered so that it can arrive again. */
  async #send(call: () => Promise<unknown>): Promise<void> {
    this.#sent.push(call);
    await this.#call(call);
  }

  /** An error of the database here is a bug: no order of calls may make one. */
  async #call<T>(call: () => Promise<T>): Promise<T | undefined> {
    return await call();
  }
}

const notSent: Extract<SubmitAnswer, { kind: 'refused' }> = {
  kind: 'refused',
  resubmit: true,
  failureClass: 'provider-busy',
  message: 'not sent',
  retryAfterSeconds: 1,
};
const editNotSent: Extract<EditAnswer, { kind: 'refused' }> = {
  kind: 'refused',
  meaning: 'retry',
  failureClass: 'delivery-network',
  retryAfterSeconds: 1,
};
const editUnknown: EditAnswer = { kind: 'unknown', failureClass: 'delivery-network' };

/** Everything that can happen, with what is needed to get far in front. */
export const happenings = [
  'relay',
  'claim',
  'admit',
  'open execution',
  'end execution',
  'lease attempt',
  'renew',
  'submit',
  'post',
  'answer submit',
  'callback',
  'verdict',
  'open attempt',
  'lease delivery',
  'renew delivery',
  'edit',
  'show',
  'answer edit',
  'showing',
  'ask',
  'come back',
  'adopt message',
  'close',
  'close unclaimed',
  'forfeit',
  'cancel',
  'suspend',
  'sweep',
  'follow',
  'tell',
  'time',
  'late copy',
] as const;
