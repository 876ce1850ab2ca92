import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answerEdit,
  askShowing,
  beginEdit,
  beginShowing,
  leaseDelivery,
  recordShown,
  type Showing,
  takeShowings,
} from '../../src/delivery/delivery.ts';
import { failurePolicies } from '../../src/failure/classes.ts';
import {
  adoptCallback,
  answerSubmit,
  beginSubmit,
  failAttempt,
  leaseAttempt,
  openAttempt,
  recordAbandoned,
  rejectAttempt,
  succeedAttempt,
  takeAbandoned,
} from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { endExecution } from '../../src/ledger/executions.ts';
import { readBalance, registerPerson } from '../../src/ledger/people.ts';
import { type CloseRequest, cancelOrder, closeOrder, readDueOrders } from '../../src/ledger/settlement.ts';
import { setSuspended } from '../../src/order/observation.ts';
import { TestLedger, type TestOrder, type TestPerson, videoOf } from '../support/ledger.ts';

const refusedForGood = {
  kind: 'refused',
  meaning: 'final',
  failureClass: 'delivery-file',
  retryAfterSeconds: 0,
} as const;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
});
afterAll(() => ledger.close());

/** A person with 100 credits, and an order of theirs that is claimed and admitted. */
async function begin(): Promise<{ person: TestPerson; order: TestOrder }> {
  const person = await ledger.person();
  return { person, order: await ledger.claimed(person) };
}

async function showingsOf(order: TestOrder): Promise<Showing[]> {
  return (await takeShowings(ledger.bot, 'bot', 100)).filter(({ orderId }) => orderId === order.orderId);
}

function close(order: TestOrder, request: CloseRequest) {
  return closeOrder(ledger.controller, order.orderId, order.uid, request);
}

async function expectEnd(order: TestOrder, outcome: string, reason: string): Promise<void> {
  expect((await ledger.observe(order)).settled).toMatchObject({ outcome, reason });
  const held = outcome === 'captured' ? 99 : 100;
  expect(await readBalance(ledger.bot, order.userId)).toMatchObject({ available: held, held: 0 });
  expect(await ledger.violations()).toEqual([]);
}

describe('the end of an order before its video is stored', () => {
  const deadlines: readonly [string, string, (order: TestOrder) => Promise<unknown>][] = [
    ['no pod ever started', 'PodStartFailed', async () => undefined],
    ['nothing could be submitted', 'ProviderUnavailable', (order) => ledger.leased(order)],
    ['a submit without an answer', 'ProviderOutcomeUnknown', (order) => ledger.submitting(order)],
    ['an accepted task', 'GenerationDeadlineExceeded', (order) => ledger.accepted(order)],
    [
      'a confirmed failure whose successor was never sent',
      'GenerationFailed',
      async (order) => {
        const { lease } = await ledger.accepted(order);
        await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'provider-internal', 'failed');
        expect(await openAttempt(ledger.controller, order.orderId, order.uid, 2)).toEqual({
          opened: true,
          because: null,
        });
      },
    ],
  ];
  it.each(deadlines)('at the generation deadline, with %s, is %s', async (_found, reason, prepare) => {
    const { order } = await begin();
    await prepare(order);
    expect(await close(order, 'Clock')).toMatchObject({ settled: null });
    await ledger.pass(order, 1801);
    expect((await readDueOrders(ledger.controller, new Date())).orders).toContain(order.orderId);
    expect(await close(order, 'Verdict')).toMatchObject({ settled: { outcome: 'released', reason } });
    await expectEnd(order, 'released', reason);
  });

  it('waited too long, unless it was suspended meanwhile', async () => {
    await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '0')`);
    const { order } = await begin();
    await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '1000')`);
    await setSuspended(ledger.controller, order.orderId, order.uid, true);
    await ledger.pass(order, 3000);
    expect((await ledger.observe(order)).clocks.queue).toBeNull();
    await setSuspended(ledger.controller, order.orderId, order.uid, false);
    await ledger.pass(order, 3000);
    expect(await close(order, 'Clock')).toMatchObject({ settled: null });
    await ledger.pass(order, 700);
    expect(await close(order, 'Clock')).toMatchObject({ settled: { reason: 'WaitedTooLong' } });
    await expectEnd(order, 'released', 'WaitedTooLong');
  });

  it('is decided by the class of its last failure, when no other task is allowed', async () => {
    const { order } = await begin();
    const { lease } = await ledger.accepted(order);
    await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'user-person', 'a person');
    expect((await ledger.observe(order)).attempts.current?.anotherAllowed).toBe(false);
    expect(await openAttempt(ledger.controller, order.orderId, order.uid, 2)).toMatchObject({ opened: false });
    expect(await close(order, 'Verdict')).toMatchObject({ settled: { reason: 'ContentRejected' } });
    await expectEnd(order, 'released', 'ContentRejected');
  });

  it('is not decided by a failure after which another task is allowed', async () => {
    const { order } = await begin();
    const { lease } = await ledger.accepted(order);
    await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'provider-internal', 'failed');
    expect((await ledger.observe(order)).attempts.current?.anotherAllowed).toBe(true);
    expect(await close(order, 'Verdict')).toMatchObject({ settled: null });
    await ledger.pass(order, 601);
    expect(await openAttempt(ledger.controller, order.orderId, order.uid, 2)).toMatchObject({ opened: false });
    expect(await close(order, 'Clock')).toMatchObject({ settled: { reason: 'GenerationFailed' } });
  });

  it('is GenerationFailed when the further-task clock passes over an attempt that was only prepared', async () => {
    const { order } = await begin();
    const { lease } = await ledger.accepted(order);
    await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'provider-busy', 'busy');
    await endExecution(ledger.controller, order.orderId, order.uid, 'generation', 1, 'Completed');
    await openAttempt(ledger.controller, order.orderId, order.uid, 2);
    await ledger.pass(order, 601);
    const second = await ledger.leased(order, await ledger.execution(order).catch(() => 1)).catch(() => null);
    expect(second).toBeNull();
    expect(await close(order, 'Clock')).toMatchObject({ settled: { reason: 'GenerationFailed' } });
  });

  it('is GenerationFailed at the fifth leased execution that crashed; those that never leased do not count', async () => {
    const { order } = await begin();
    await ledger.execution(order);
    await endExecution(ledger.controller, order.orderId, order.uid, 'generation', 1, 'PodStartFailed');
    for (let n = 2; n <= 6; n += 1) {
      expect(await close(order, 'Verdict')).toMatchObject({ settled: null });
      const lease = await ledger.leased(order);
      if (n === 2) await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID());
      await endExecution(ledger.controller, order.orderId, order.uid, 'generation', n, 'Crashed');
    }
    await expect(ledger.execution(order)).rejects.toThrow('refused');
    expect(await close(order, 'Clock')).toMatchObject({ settled: { reason: 'GenerationFailed' } });
    expect((await ledger.observe(order)).attempts.current?.state).toBe('abandoned');
  });

  it('abandons a task that may run, follows it, keeps its late video and never shows it', async () => {
    const { order } = await begin();
    const { lease, nonce } = await ledger.submitting(order);
    expect(await close(order, 'Deleted')).toMatchObject({
      settled: { outcome: 'released', reason: 'Deleted' },
    });
    expect(await adoptCallback(ledger.controller, nonce, 'task-9')).toEqual({ state: 'abandoned' });
    const video = videoOf(order.orderId);
    expect(await succeedAttempt(ledger.runner, lease.attemptId, lease.fence, video)).toMatchObject({ done: false });
    const [taken] = await takeAbandoned(ledger.controller, 'c', 5);
    expect(taken).toMatchObject({ orderId: order.orderId, taskId: 'task-9', provider: 'kie' });
    if (taken === undefined) throw new Error('not taken');
    expect(await takeAbandoned(ledger.controller, 'other', 5)).toEqual([]);
    await recordAbandoned(ledger.controller, taken.attemptId, taken.fence, { kind: 'succeeded', video });
    expect((await ledger.observe(order)).delivery).toBeNull();
    expect(await showingsOf(order)).toEqual([]);
    await expectEnd(order, 'released', 'Deleted');
  });

  it('comes with a cancellation only while nothing is paid', async () => {
    const { order } = await begin();
    const { lease, nonce } = await ledger.submitting(order);
    expect(await cancelOrder(ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'too-late', settled: null });
    await answerSubmit(ledger.runner, nonce, {
      kind: 'refused',
      resubmit: true,
      failureClass: 'provider-rate',
      message: 'rate',
      retryAfterSeconds: 5,
    });
    expect(await cancelOrder(ledger.bot, order.orderId, order.userId)).toMatchObject({ outcome: 'cancelled' });
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID())).toMatchObject({ done: false });
    await expectEnd(order, 'released', 'Cancelled');
  });

  it('comes within 24 h whatever stands still', async () => {
    const { order } = await begin();
    await setSuspended(ledger.controller, order.orderId, order.uid, true);
    await ledger.pass(order, 86_000);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([]);
    await ledger.pass(order, 500);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([order.orderId]);
    await expectEnd(order, 'released', 'PodStartFailed');
  });
});

describe('the end of an order whose video is stored', () => {
  it('is unconfirmed when an edit was never answered, and shown when the answer comes after all', async () => {
    const { order } = await begin();
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    for (let n = 1; n <= 3; n += 1) {
      if (n > 1) await ledger.execution(order, 'delivery');
      await endExecution(ledger.controller, order.orderId, order.uid, 'delivery', n, 'Lost');
    }
    expect(await close(order, 'DeliveryOver')).toMatchObject({ settled: null });
    await ledger.pass(order, 901);
    expect((await ledger.observe(order)).delivery).toMatchObject({ over: true, editsUnanswered: 1 });
    expect(await close(order, 'Clock')).toMatchObject({
      settled: { outcome: 'captured', reason: 'DeliveryUnconfirmed' },
    });
    expect(await showingsOf(order)).toEqual([]);
    expect(await recordShown(ledger.runner, order.orderId, nonce, { messageId: 7, fileId: 'f' })).toEqual({
      captured: true,
      because: null,
    });
    expect((await ledger.observe(order)).delivery?.state).toBe('shown');
    await expectEnd(order, 'captured', 'DeliveryUnconfirmed');
  });

  it('waits for enough executions, though the time is over', async () => {
    const { order } = await begin();
    await ledger.succeeded(order);
    for (let n = 1; n <= 3; n += 1) {
      await ledger.execution(order, 'delivery');
      if (n === 1) await ledger.pass(order, 1000);
      expect(await close(order, 'DeliveryOver')).toMatchObject({ settled: null });
      await endExecution(ledger.controller, order.orderId, order.uid, 'delivery', n, 'Lost');
    }
    expect(await close(order, 'DeliveryOver')).toMatchObject({
      settled: { outcome: 'released', reason: 'DeliveryFailed' },
    });
    await expectEnd(order, 'released', 'DeliveryFailed');
  });

  it('is released after a refusal for good, and nothing is shown any more', async () => {
    const { order } = await begin();
    await ledger.succeeded(order);
    const { nonce, fence } = await ledger.editing(order);
    expect(await answerEdit(ledger.runner, nonce, refusedForGood)).toEqual({ done: true, because: null });
    expect(await beginEdit(ledger.runner, order.orderId, fence, randomUUID())).toMatchObject({ done: false });
    expect(await close(order, 'DeliveryOver')).toMatchObject({ settled: { reason: 'DeliveryFailed' } });
    expect(await recordShown(ledger.runner, order.orderId, nonce, { messageId: 7, fileId: 'f' })).toMatchObject({
      captured: false,
    });
    expect(await askShowing(ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'not-stored' });
    await expectEnd(order, 'released', 'DeliveryFailed');
  });

  it.each([
    ['has no answer', null],
    ['may have arrived', { kind: 'unknown', failureClass: 'delivery-network' }],
  ] as const)('is not released by a refusal while an earlier edit %s', async (_, earlier) => {
    const { order } = await begin();
    await ledger.succeeded(order);
    const first = await ledger.editing(order);
    if (earlier !== null) await answerEdit(ledger.runner, first.nonce, earlier);
    await endExecution(ledger.controller, order.orderId, order.uid, 'delivery', first.execution, 'Crashed');
    const second = await ledger.editing(order);
    await answerEdit(ledger.runner, second.nonce, refusedForGood);
    expect((await ledger.observe(order)).delivery).toMatchObject({
      state: 'editing',
      over: true,
      editsBegun: 2,
      editsUnanswered: 1,
    });
    expect(await close(order, 'DeliveryOver')).toMatchObject({
      settled: { outcome: 'captured', reason: 'DeliveryUnconfirmed' },
    });
    expect(await askShowing(ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'queued' });
    const [showing] = await showingsOf(order);
    if (showing === undefined) throw new Error('not taken');
    const nonce = randomUUID();
    expect(await beginShowing(ledger.bot, order.orderId, showing.fence, nonce)).toEqual({ done: true, because: null });
    expect(await recordShown(ledger.bot, order.orderId, nonce, { messageId: 8, fileId: 'f' })).toEqual({
      captured: true,
      because: null,
    });
    expect(await askShowing(ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'shown' });
    await expectEnd(order, 'captured', 'DeliveryUnconfirmed');
  });

  it('keeps the video of a person who cannot be reached, and shows it when they are seen again', async () => {
    const { person, order } = await begin();
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    await answerEdit(ledger.runner, nonce, {
      ...refusedForGood,
      meaning: 'unreachable',
      failureClass: 'delivery-blocked',
    });
    expect((await ledger.observe(order)).settled).toMatchObject({
      outcome: 'captured',
      reason: 'RecipientUnreachable',
    });
    expect(await showingsOf(order)).toEqual([]);
    await registerPerson(ledger.bot, person.chatId, 'en');
    expect(await showingsOf(order)).toMatchObject([{ orderId: order.orderId, messageId: 7 }]);
    expect(await showingsOf(order)).toEqual([]);
    await expectEnd(order, 'captured', 'RecipientUnreachable');
  });

  it('keeps a stored video whose VideoJob is deleted for the bot to show at once, and a pod shows nothing any more', async () => {
    const { order } = await begin();
    await ledger.succeeded(order);
    const { fence } = await ledger.editing(order);
    expect(await close(order, 'Deleted')).toMatchObject({
      settled: { outcome: 'captured', reason: 'Deleted' },
    });
    expect(await beginEdit(ledger.runner, order.orderId, fence, randomUUID())).toMatchObject({ done: false });
    const [showing] = await showingsOf(order);
    expect(showing?.orderId).toBe(order.orderId);
    await expectEnd(order, 'captured', 'Deleted');
  });

  it('does not count a wait that Telegram asked for', async () => {
    const { order } = await begin();
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    const before = (await ledger.observe(order)).clocks.delivery;
    await answerEdit(ledger.runner, nonce, {
      ...refusedForGood,
      meaning: 'retry',
      failureClass: 'delivery-flood',
      retryAfterSeconds: 300,
    });
    const after = (await ledger.observe(order)).clocks.delivery;
    expect(((after?.getTime() ?? 0) - (before?.getTime() ?? 0)) / 1000).toBeCloseTo(300, 0);
  });
});

describe('a paid task', () => {
  it('is never begun by a nonce that was answered before its begin arrived', async () => {
    const { order } = await begin();
    const lease = await ledger.leased(order);
    const nonce = randomUUID();
    const refused = {
      kind: 'refused',
      resubmit: true,
      failureClass: 'provider-busy',
      message: 'not sent',
      retryAfterSeconds: 1,
    } as const;
    expect(await answerSubmit(ledger.runner, nonce, refused)).toEqual({ state: 'ready' });
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, nonce)).toMatchObject({ done: false });
    expect((await ledger.observe(order)).attempts.current?.state).toBe('ready');
  });

  it('is never begun again by a nonce that was refused, nor before its time, nor with a lost lease', async () => {
    const { order } = await begin();
    const { lease, nonce } = await ledger.submitting(order);
    const refused = {
      kind: 'refused',
      resubmit: true,
      failureClass: 'provider-rate',
      message: 'rate',
      retryAfterSeconds: 20,
    } as const;
    expect(await answerSubmit(ledger.runner, nonce, refused)).toEqual({ state: 'ready' });
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, nonce)).toMatchObject({ done: false });
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID())).toMatchObject({
      because: 'it is not to begin yet',
    });
    await ledger.pass(order, 21);
    await endExecution(ledger.controller, order.orderId, order.uid, 'generation', 1, 'Lost');
    const next = await ledger.leased(order);
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID())).toMatchObject({
      because: 'the lease was taken',
    });
    await ledger.pass(order, 61);
    expect(await beginSubmit(ledger.runner, next.attemptId, next.fence, randomUUID())).toMatchObject({
      because: 'the lease ran out',
    });
  });

  it('that may run is adopted by the next execution, not sent again; its late answer counts', async () => {
    const { order } = await begin();
    const { nonce } = await ledger.submitting(order);
    expect(await leaseAttempt(ledger.runner, order.orderId, order.uid, 1, 'other')).toMatchObject({ outcome: 'held' });
    await endExecution(ledger.controller, order.orderId, order.uid, 'generation', 1, 'Crashed');
    const next = await ledger.leased(order);
    expect(next).toMatchObject({ state: 'unknown', submitNonce: nonce });
    expect(await beginSubmit(ledger.runner, next.attemptId, next.fence, randomUUID())).toMatchObject({ done: false });
    expect(await leaseAttempt(ledger.runner, order.orderId, order.uid, 1, 'first')).toMatchObject({ outcome: 'over' });
    expect(await answerSubmit(ledger.runner, nonce, { kind: 'accepted', taskId: 't' })).toEqual({ state: 'accepted' });
    expect(await answerSubmit(ledger.runner, nonce, { kind: 'unknown' })).toEqual({ state: 'accepted' });
    expect((await ledger.observe(order)).attempts.current).toMatchObject({ state: 'accepted', taskId: 't' });
  });

  it('is answered by its nonce alone, though the lease of whoever made it ran out', async () => {
    const { order } = await begin();
    const { nonce } = await ledger.submitting(order);
    await ledger.pass(order, 61);
    expect(await answerSubmit(ledger.runner, nonce, { kind: 'accepted', taskId: 'late' })).toEqual({
      state: 'accepted',
    });
    expect((await ledger.observe(order)).attempts.current).toMatchObject({ state: 'accepted', taskId: 'late' });
  });

  it('whose maker lost the lease is unknown after the next sweep', async () => {
    const { order } = await begin();
    await ledger.submitting(order);
    await ledger.pass(order, 61);
    await readDueOrders(ledger.controller, new Date());
    expect((await ledger.observe(order)).attempts.current?.state).toBe('unknown');
  });

  it('is not followed by another after a verdict before it', async () => {
    const { order } = await begin();
    const lease = await ledger.leased(order);
    expect(await rejectAttempt(ledger.runner, lease.attemptId, lease.fence, 'user-photo', 'broken')).toEqual({
      done: true,
      because: null,
    });
    expect(await close(order, 'Verdict')).toMatchObject({ settled: { reason: 'PhotoUnsuitable' } });
    expect(await leaseDelivery(ledger.runner, order.orderId, order.uid, 1, 'x')).toMatchObject({ outcome: 'over' });
  });

  it('has the failure classes that the program has', async () => {
    const rows = await ledger.rows('select class, fault, retry, reason from ledger.failure_classes');
    const known = Object.entries(failurePolicies).map(([name, policy]) => ({
      class: name,
      fault: policy.fault,
      retry: policy.retry,
      reason: policy.finishedReason,
    }));
    expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(new Set(known.map((row) => JSON.stringify(row))));
  });
});
