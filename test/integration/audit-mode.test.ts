import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { enterAuditMode, readDatabaseFacts, vouchForDatabase } from '../../src/audit/database-facts.ts';
import { answerEdit, beginEdit, leaseDelivery, recordShown, takeShowings } from '../../src/delivery/delivery.ts';
import { admitWaiting, answerSubmit, beginSubmit, failAttempt, openAttempt } from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { openExecution } from '../../src/ledger/executions.ts';
import { registerPerson } from '../../src/ledger/people.ts';
import { cancelOrder, closeOrder } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { takeNotices } from '../../src/order/notices.ts';
import { takeOrdersToRelay } from '../../src/order/relay-queue.ts';
import { DatabaseError } from '../../src/postgres/errors.ts';
import { isUnavailable } from '../../src/postgres/unavailable.ts';
import { TestLedger } from '../support/ledger.ts';

const enter = (ledger: TestLedger): Promise<boolean> =>
  enterAuditMode(ledger.controller, 1, 'database-forgot', 'a test');

/** As after a start of the server that no controller has looked at yet. */
const restart = (ledger: TestLedger): Promise<unknown> =>
  ledger.superuser.query(`update ledger.restore_marks set incarnation = 'another one'`);

/** Refused so that every caller takes it as "not now, the same again later". */
async function expectNotNow(call: Promise<unknown>, why: 'audit' | 'restarted' = 'audit'): Promise<void> {
  const refusal = await call.then(
    () => 'it was done',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(DatabaseError);
  expect(refusal).toMatchObject({ code: '57P03', constraint: `nothing_begins_in_${why}` });
  expect(isUnavailable(refusal)).toBe(true);
}

describe('in audit mode', () => {
  it('nobody can order, and hears that orders are paused', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    await enter(ledger);
    expect(await ledger.place(ledger.placement(person))).toMatchObject({ outcome: 'refused', reason: 'OrdersPaused' });
  });

  it('nothing is relayed, claimed or refused, also no object that nobody ordered', async () => {
    const ledger = await TestLedger.open();
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [order] = placement.orders;
    if (order === undefined) throw new Error('no order');
    await enter(ledger);
    expect(await takeOrdersToRelay(ledger.bot, 10)).toEqual([]);
    await expectNotNow(claimOrder(ledger.controller, order.orderId, randomUUID(), order.specHash));
    await expectNotNow(claimOrder(ledger.controller, order.orderId, randomUUID(), 'another'));
    await expectNotNow(claimOrder(ledger.controller, 'aaaaaaaaaaaa', randomUUID(), 'any'));
  });

  it('nothing is admitted, executed or submitted', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const ready = await ledger.claimed(person);
    const lease = await ledger.leased(ready);
    const failed = await ledger.claimed(person);
    const task = await ledger.accepted(failed);
    await failAttempt(ledger.runner, task.lease.attemptId, task.lease.fence, 'provider-busy', 'no');
    await ledger.superuser.query('update ledger.settings set live_attempt_limit = 1');
    const waiting = await ledger.claimed(person);
    await ledger.superuser.query('update ledger.settings set live_attempt_limit = 20');
    await enter(ledger);
    await expectNotNow(admitWaiting(ledger.controller));
    await expectNotNow(openAttempt(ledger.controller, failed.orderId, failed.uid, 2));
    await expectNotNow(beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID()));
    expect(await openExecution(ledger.controller, waiting.orderId, waiting.uid, 'generation', 1)).toMatchObject({
      outcome: 'refused',
    });
    const unstarted = await ledger.rows('select count(*)::int as n from ledger.submit_nonces', []);
    expect(z.array(z.object({ n: z.number() })).parse(unstarted)).toEqual([{ n: 1 }]);
  });

  it('the answer of a submit that was begun before is kept', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const { nonce } = await ledger.submitting(order);
    await enter(ledger);
    expect(await answerSubmit(ledger.runner, nonce, { kind: 'accepted', taskId: 'task-1' })).toEqual({
      state: 'accepted',
    });
    expect((await ledger.observe(order)).attempts.current).toMatchObject({ state: 'accepted', taskId: 'task-1' });
  });

  it('no edit begins, and one that was begun before is still told as shown and paid for', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const begun = await ledger.claimed(person);
    await ledger.succeeded(begun);
    const edit = await ledger.editing(begun);
    const pending = await ledger.claimed(person);
    await ledger.succeeded(pending);
    const execution = await ledger.execution(pending, 'delivery');
    const lease = await leaseDelivery(ledger.runner, pending.orderId, pending.uid, execution, 'test');
    if (lease.outcome !== 'leased') throw new Error('not leased');
    await enter(ledger);
    await expectNotNow(beginEdit(ledger.runner, pending.orderId, lease.fence, randomUUID()));
    expect(await recordShown(ledger.runner, begun.orderId, edit.nonce, { messageId: 7, fileId: null })).toMatchObject({
      captured: true,
    });
    expect(await ledger.violations()).toEqual([]);
  });

  it('a person who cannot be reached is still noted, for the video is theirs', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    await enter(ledger);
    await answerEdit(ledger.runner, nonce, {
      kind: 'refused',
      meaning: 'unreachable',
      failureClass: 'delivery-blocked',
      retryAfterSeconds: 0,
    });
    expect((await ledger.observe(order)).settled).toMatchObject({
      outcome: 'captured',
      reason: 'RecipientUnreachable',
    });
  });

  it('nothing is cancelled, closed or swept, and nobody is told anything', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    const stored = await ledger.claimed(person);
    await ledger.succeeded(stored);
    await enter(ledger);
    expect(await cancelOrder(ledger.bot, order.orderId, person.userId)).toEqual({ outcome: 'too-late', settled: null });
    await expectNotNow(closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted'));
    await expectNotNow(closeOrder(ledger.controller, stored.orderId, stored.uid, 'Deleted'));
    expect(await closeOverdueHolds(ledger.controller)).toEqual([]);
    expect(await takeNotices(ledger.bot, 'test', 10)).toEqual([]);
    expect(await takeShowings(ledger.bot, 'test', 10)).toEqual([]);
    // An operator decides all the same.
    expect(await closeOrder(ledger.admin, order.orderId, null, 'Forfeit')).toMatchObject({
      settled: { reason: 'Cancelled' },
    });
  });

  it.each([
    ['an order', `insert into ledger.orders (order_id) values ('aaaaaaaaaaaa')`],
    ['a claim', `update ledger.orders set claimed_by = 'somebody', claimed_at = clock_timestamp()`],
    ['an admission', `update ledger.orders set admitted_at = clock_timestamp()`],
    ['an attempt', `insert into ledger.attempts (order_id, n) select order_id, 2 from ledger.orders`],
    [
      'an execution',
      `insert into ledger.executions (order_id, stage, n, executor) select order_id, 'delivery', 1, 'pod' from ledger.orders`,
    ],
    ['a submit', `insert into ledger.submit_nonces (nonce, attempt_id) select 'n', attempt_id from ledger.attempts`],
    [
      'an edit',
      `insert into ledger.delivery_edits (nonce, order_id, kind) select 'n', order_id, 'edit' from ledger.orders`,
    ],
    [
      'a showing',
      `insert into ledger.delivery_edits (nonce, order_id, kind) select 'n', order_id, 'showing' from ledger.orders`,
    ],
    ['a release', `update ledger.holds set state = 'released', reason = 'Cancelled', settled_at = clock_timestamp()`],
    [
      'a decided capture',
      `update ledger.holds set state = 'captured', reason = 'DeliveryUnconfirmed', settled_at = clock_timestamp()`,
    ],
  ])('%s cannot be written by any statement', async (_what, statement) => {
    const ledger = await TestLedger.open();
    await ledger.claimed(await ledger.person());
    await enter(ledger);
    await expectNotNow(ledger.owner.query(statement));
  });

  it('numbers of the forgotten time are not given again: a new person is not one whom PostgreSQL forgot', async () => {
    const ledger = await TestLedger.open();
    const before = await registerPerson(ledger.bot, 1, 'en');
    await enter(ledger);
    const after = await registerPerson(ledger.bot, 2, 'en');
    expect(after.userId - before.userId).toBeGreaterThan(10_000);
  });

  it('the first cause stays, and no statement leaves it without a new epoch', async () => {
    const ledger = await TestLedger.open();
    expect(await enter(ledger)).toBe(true);
    expect(await enterAuditMode(ledger.controller, 1, 'cluster-forgot', 'later')).toBe(false);
    expect(await readDatabaseFacts(ledger.controller)).toMatchObject({ state: 'audit', cause: 'database-forgot' });
    for (const change of [`state = 'marking'`, 'epoch = 0', 'confirmed = -1, proposed = -1']) {
      await expect(ledger.owner.query(`update ledger.restore_marks set ${change}`)).rejects.toThrow(
        'restore_marks_only_rise',
      );
    }
    await expect(ledger.owner.query('delete from ledger.restore_marks')).rejects.toThrow(
      'restore_marks_never_vanishes',
    );
  });
});

describe('after a start of the server that no controller has compared with its memory', () => {
  it('nothing is claimed, submitted, shown or closed until one has', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    const lease = await ledger.leased(order);
    await restart(ledger);
    await expectNotNow(claimOrder(ledger.controller, 'aaaaaaaaaaaa', randomUUID(), 'any'), 'restarted');
    await expectNotNow(beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID()), 'restarted');
    await expectNotNow(closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted'), 'restarted');
    await expectNotNow(cancelOrder(ledger.bot, order.orderId, person.userId), 'restarted');
    await expectNotNow(registerPerson(ledger.bot, 99, 'en'), 'restarted');
    expect(await takeOrdersToRelay(ledger.bot, 10)).toEqual([]);

    const { incarnation, vouched } = await readDatabaseFacts(ledger.controller);
    expect(vouched).toBe(false);
    await vouchForDatabase(ledger.controller, 'an earlier start');
    expect((await readDatabaseFacts(ledger.controller)).vouched).toBe(false);
    await vouchForDatabase(ledger.controller, incarnation);
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID())).toMatchObject({ done: true });
    expect(await cancelOrder(ledger.bot, order.orderId, person.userId)).toMatchObject({ outcome: 'too-late' });
  });

  it('orders are taken all the same: they are only held until then', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    await restart(ledger);
    expect(await ledger.place(ledger.placement(person))).toMatchObject({ outcome: 'placed' });
  });
});
