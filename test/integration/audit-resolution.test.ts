import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { enterAuditMode, readDatabaseFacts } from '../../src/audit/database-facts.ts';
import {
  catchUpOrder,
  noteLostOrder,
  rebuildOrder,
  reclaimOrder,
  resolveAuditMode,
  type Shown,
} from '../../src/audit/restoring.ts';
import { beginSubmit, failAttempt, leaseAttempt, openAttempt } from '../../src/generation/attempt.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { takeNotices } from '../../src/order/notices.ts';
import { takeOrdersToRelay } from '../../src/order/relay-queue.ts';
import { ruleOf } from '../../src/postgres/errors.ts';
import { TestLedger, type TestOrder } from '../support/ledger.ts';

const act = { actor: 'tester', reason: 'a test', dryRun: false };
const enter = (ledger: TestLedger, cause: 'database-forgot' | 'cluster-forgot' = 'database-forgot') =>
  enterAuditMode(ledger.controller, 1, cause, 'a test');

const blank: Omit<Shown, 'uid'> = {
  attempts: 0,
  executions: 0,
  taskId: null,
  outcome: null,
  reason: null,
  video: null,
  rebuilt: false,
};

async function states(ledger: TestLedger, { orderId }: Pick<TestOrder, 'orderId'>): Promise<string> {
  const rows = await ledger.rows(
    `select coalesce((select string_agg(state, ' ' order by n) from ledger.attempts where order_id = $1), '-')
       || ' | ' || coalesce((select state from ledger.deliveries where order_id = $1), '-')
       || ' | ' || (select state || coalesce(' ' || reason, '') from ledger.holds where order_id = $1) as said`,
    [orderId],
  );
  return z.array(z.object({ said: z.string() })).parse(rows)[0]?.said ?? '';
}

type Step = (ledger: TestLedger, order: TestOrder) => Promise<unknown>;
const placed: Step = async () => undefined;
const leased: Step = (ledger, order) => ledger.leased(order);
const submitting: Step = (ledger, order) => ledger.submitting(order);
const accepted: Step = (ledger, order) => ledger.accepted(order);
const stored: Step = (ledger, order) => ledger.succeeded(order);
const editing: Step = async (ledger, order) => {
  await ledger.succeeded(order);
  await ledger.editing(order);
};
const captured = { attempts: 1, executions: 1, taskId: 't-new', outcome: 'captured' } as const;
const released = { attempts: 1, executions: 1, taskId: 't-new', outcome: 'released' } as const;

describe('what PostgreSQL forgot of an order that it knows', () => {
  const cases: readonly [what: string, before: Step, shown: Partial<Shown>, outcome: string, after: string][] = [
    ['an untouched order', placed, {}, 'unchanged', 'ready | - | held'],
    ['a task that runs as it did', accepted, { attempts: 1, executions: 1 }, 'unchanged', 'accepted | - | held'],
    ['a stored video', stored, { attempts: 1, executions: 1 }, 'unchanged', 'succeeded | pending | held'],
    [
      'a pod that may have submitted',
      leased,
      { attempts: 1, executions: 1 },
      'ended',
      'abandoned | - | released ProviderOutcomeUnknown',
    ],
    [
      'a Job that it does not know',
      placed,
      { executions: 1 },
      'ended',
      'abandoned | - | released ProviderOutcomeUnknown',
    ],
    [
      'a submit without an answer',
      submitting,
      { attempts: 1, executions: 1 },
      'ended',
      'abandoned | - | released ProviderOutcomeUnknown',
    ],
    ['a task made since', leased, { attempts: 1, executions: 1, taskId: 't-new' }, 'adopted', 'accepted | - | held'],
    [
      'a submit answered since',
      submitting,
      { attempts: 1, executions: 1, taskId: 't-new' },
      'adopted',
      'accepted | - | held',
    ],
    [
      'a second task',
      accepted,
      { attempts: 2, executions: 2, taskId: 't-new' },
      'adopted',
      'failed accepted | - | held',
    ],
    [
      'a second task without a name',
      accepted,
      { attempts: 2, executions: 2 },
      'ended',
      'failed abandoned | - | released ProviderOutcomeUnknown',
    ],
    [
      'a delivered video',
      placed,
      { ...captured, reason: 'VideoDelivered' },
      'settled',
      'succeeded | shown | captured VideoDelivered',
    ],
    [
      'a delivered video of a known task',
      accepted,
      { ...captured, reason: 'VideoDelivered' },
      'settled',
      'succeeded | shown | captured VideoDelivered',
    ],
    [
      'a delivered video that was stored',
      stored,
      { ...captured, reason: 'VideoDelivered' },
      'settled',
      'succeeded | shown | captured VideoDelivered',
    ],
    [
      'a delivered video in an edit',
      editing,
      { ...captured, reason: 'VideoDelivered' },
      'settled',
      'succeeded | shown | captured VideoDelivered',
    ],
    [
      'a kept video',
      accepted,
      { ...captured, reason: 'RecipientUnreachable' },
      'settled',
      'succeeded | waiting | captured RecipientUnreachable',
    ],
    [
      'an unconfirmed video',
      editing,
      { ...captured, reason: 'DeliveryUnconfirmed' },
      'settled',
      'succeeded | uncertain | captured DeliveryUnconfirmed',
    ],
    [
      'a refusal',
      leased,
      { ...released, reason: 'ContentRejected' },
      'settled',
      'abandoned | - | released ContentRejected',
    ],
    [
      'a refused delivery',
      editing,
      { ...released, reason: 'DeliveryFailed' },
      'settled',
      'succeeded | refused | released DeliveryFailed',
    ],
  ];

  it.each(cases)('%s is caught up with, and the books stay sound', async (_what, before, shown, outcome, after) => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await before(ledger, order);
    await enter(ledger);
    const rehearsed = await catchUpOrder(
      ledger.admin,
      order.orderId,
      { ...blank, uid: order.uid, ...shown },
      { ...act, dryRun: true },
    );
    expect(rehearsed.outcome).toBe(outcome === 'unchanged' ? 'unchanged' : 'would-catch-up');
    const done = await catchUpOrder(ledger.admin, order.orderId, { ...blank, uid: order.uid, ...shown }, act);
    expect(done).toEqual({ outcome, because: null });
    expect(await states(ledger, order)).toBe(after);
    // Again, as after a resolution that broke off.
    await catchUpOrder(ledger.admin, order.orderId, { ...blank, uid: order.uid, ...shown }, act);
    expect(await states(ledger, order)).toBe(after);
    expect(await ledger.violations()).toEqual([]);
  });

  it('an adopted task that fails is the last one: whether another was paid for in the forgotten time, nobody knows', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.leased(order);
    await enter(ledger);
    const shown = { ...blank, uid: order.uid, attempts: 1, executions: 2, taskId: 't-new' };
    expect(await catchUpOrder(ledger.admin, order.orderId, shown, act)).toMatchObject({ outcome: 'adopted' });
    await resolveAuditMode(ledger.admin, 1, act);
    const lease = await leaseAttempt(ledger.runner, order.orderId, order.uid, 1, 'another');
    expect(lease).toMatchObject({ outcome: 'held' });
    await ledger.superuser.query(`update ledger.attempts set lease_until = clock_timestamp()`);
    const taken = await leaseAttempt(ledger.runner, order.orderId, order.uid, 1, 'another');
    if (taken.outcome !== 'leased') throw new Error('not leased');
    await failAttempt(ledger.runner, taken.attemptId, taken.fence, 'provider-busy', 'no');
    expect(await openAttempt(ledger.controller, order.orderId, order.uid, 2)).toMatchObject({ opened: false });
    expect(await closeOrder(ledger.controller, order.orderId, order.uid, 'Verdict')).toMatchObject({
      settled: { outcome: 'released', reason: 'GenerationFailed' },
    });
  });

  it('an end that both sides tell differently is for a person', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted');
    await enter(ledger);
    const shown = { ...blank, ...captured, uid: order.uid, reason: 'VideoDelivered' };
    expect(await catchUpOrder(ledger.admin, order.orderId, shown, act)).toMatchObject({
      outcome: 'refused',
      because: expect.stringContaining('a person decides'),
    });
  });

  it('is only caught up with in audit mode', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const refusal = await catchUpOrder(ledger.admin, order.orderId, { ...blank, uid: order.uid }, act).catch(
      (error: unknown) => error,
    );
    expect(ruleOf(refusal)).toBe('rebuilt_in_audit_mode');
  });
});

describe('an order that PostgreSQL does not know', () => {
  async function forgottenOrder(ledger: TestLedger, credits: number) {
    const person = await ledger.person(credits);
    const [order] = ledger.placement(person).orders;
    if (order === undefined) throw new Error('no order');
    const object: { spec: unknown } = JSON.parse(order.videoJob);
    return { person, orderId: order.orderId, object: { spec: object.spec, videoJob: order.videoJob } };
  }

  it('is placed again from its object, and what the balance does not cover is written off', async () => {
    const ledger = await TestLedger.open();
    await ledger.superuser.query('update ledger.settings set welcome_credits = 0');
    const { person, orderId, object } = await forgottenOrder(ledger, 0);
    await enter(ledger);
    expect(await rebuildOrder(ledger.admin, orderId, object, { ...act, dryRun: true })).toMatchObject({
      outcome: 'would-rebuild',
    });
    expect(await rebuildOrder(ledger.admin, orderId, object, act)).toMatchObject({ outcome: 'rebuilt' });
    expect(await rebuildOrder(ledger.admin, orderId, object, act)).toMatchObject({ outcome: 'exists' });
    const uid = randomUUID();
    const shown = { ...blank, ...captured, uid, reason: 'VideoDelivered', rebuilt: true };
    expect(await catchUpOrder(ledger.admin, orderId, shown, act)).toMatchObject({ outcome: 'settled' });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0, held: 0 });
    expect(await ledger.violations()).toEqual([]);
    // The person was told of all that then.
    await resolveAuditMode(ledger.admin, 1, act);
    expect(await takeNotices(ledger.bot, 'test', 10)).toEqual([]);
  });

  it('of which nothing is known any more gives the credits back: what the person wrote is lost', async () => {
    const ledger = await TestLedger.open();
    const { person, orderId, object } = await forgottenOrder(ledger, 5);
    await enter(ledger);
    await rebuildOrder(ledger.admin, orderId, object, act);
    expect(
      await catchUpOrder(ledger.admin, orderId, { ...blank, uid: randomUUID(), rebuilt: true }, act),
    ).toMatchObject({
      outcome: 'ended',
    });
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 5, held: 0 });
    expect(await ledger.violations()).toEqual([]);
  });

  it('is not placed for a person who is not in the books, nor for one who came after the loss', async () => {
    const ledger = await TestLedger.open();
    await enter(ledger);
    const late = await forgottenOrder(ledger, 5);
    expect(await rebuildOrder(ledger.admin, late.orderId, late.object, act)).toMatchObject({
      outcome: 'refused',
      because: 'its person is not in the books',
    });
    await noteLostOrder(ledger.admin, late.orderId, act);
    await resolveAuditMode(ledger.admin, 1, act);
    expect(await claimOrder(ledger.controller, late.orderId, randomUUID(), 'any')).toMatchObject({
      answer: 'refused',
      knownAsLost: true,
    });
  });
});

describe('an order whose object is lost', () => {
  it('is posted again and claimed by another object of the same content, never by a former claimant', async () => {
    const ledger = await TestLedger.open();
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [order] = placement.orders;
    if (order === undefined) throw new Error('no order');
    const { orderId, specHash } = order;
    await claimOrder(ledger.controller, orderId, 'first', specHash);
    await enter(ledger, 'cluster-forgot');
    expect(await reclaimOrder(ledger.admin, orderId, null, act)).toEqual({ outcome: 'reclaimed', because: null });
    expect(await reclaimOrder(ledger.admin, orderId, null, act)).toEqual({ outcome: 'exists', because: null });
    await resolveAuditMode(ledger.admin, 1, act);

    expect((await takeOrdersToRelay(ledger.bot, 10)).map((one) => one.orderId)).toEqual([orderId]);
    expect((await ledger.observe({ orderId })).claimedBy).toBeNull();
    expect(await claimOrder(ledger.controller, orderId, 'first', specHash)).toMatchObject({
      reason: 'OtherClaimant',
      blocksOpenOrder: true,
    });
    expect(await claimOrder(ledger.controller, orderId, 'second', 'other')).toMatchObject({
      reason: 'OtherContent',
      blocksOpenOrder: true,
    });
    expect(await claimOrder(ledger.controller, orderId, 'second', specHash)).toEqual({
      answer: 'yours',
      settled: null,
    });
    expect(await claimOrder(ledger.controller, orderId, 'second', specHash)).toEqual({
      answer: 'yours',
      settled: null,
    });
    expect(await claimOrder(ledger.controller, orderId, 'first', specHash)).toMatchObject({ reason: 'OtherClaimant' });
    expect(await takeOrdersToRelay(ledger.bot, 10)).toEqual([]);

    // Lost once more: neither of the former ones.
    expect(await reclaimOrder(ledger.admin, orderId, null, act)).toMatchObject({ outcome: 'reclaimed' });
    for (const former of ['first', 'second']) {
      expect(await claimOrder(ledger.controller, orderId, former, specHash)).toMatchObject({ reason: 'OtherClaimant' });
    }
    const statement = `update ledger.reclaims set new_uid = 'first', claimed_at = clock_timestamp() where new_uid is null`;
    await expect(ledger.owner.query(statement)).rejects.toThrow('reclaim_never_by_a_former_claimant');
    await expect(ledger.owner.query(`update ledger.orders set claimed_by = 'third'`)).rejects.toThrow(
      'order_claimed_once',
    );
    expect(await claimOrder(ledger.controller, orderId, 'third', specHash)).toMatchObject({ answer: 'yours' });
    expect(await ledger.violations()).toEqual([]);
  });

  it('goes on where its attempt stands, under the new UID only', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const { lease } = await ledger.accepted(order);
    await reclaimOrder(ledger.admin, order.orderId, null, act);
    const hash = z
      .array(z.object({ spec_hash: z.string() }))
      .parse(await ledger.rows('select spec_hash from ledger.orders', []));
    await claimOrder(ledger.controller, order.orderId, 'second', hash[0]?.spec_hash ?? '');
    expect(await leaseAttempt(ledger.runner, order.orderId, order.uid, 1, 'old pod')).toMatchObject({
      outcome: 'over',
    });
    await ledger.stored(lease);
    expect(await states(ledger, order)).toBe('succeeded | pending | held');
  });
});

describe('a resolution', () => {
  it('ends the audit that was looked at, once, with a new epoch that an older one never reaches', async () => {
    const ledger = await TestLedger.open();
    expect(await resolveAuditMode(ledger.admin, 1, act)).toMatchObject({ outcome: 'not-in-audit-mode' });
    const order = await ledger.claimed(await ledger.person());
    const lease = await ledger.leased(order);
    await enter(ledger);
    expect(await resolveAuditMode(ledger.admin, 7, act)).toMatchObject({ outcome: 'other-epoch' });
    expect(await resolveAuditMode(ledger.admin, 1, { ...act, dryRun: true })).toEqual({
      outcome: 'would-resolve',
      epoch: 2,
    });
    expect(await resolveAuditMode(ledger.admin, 1, act)).toEqual({ outcome: 'resolved', epoch: 2 });
    expect(await readDatabaseFacts(ledger.controller)).toMatchObject({ state: 'resolved', epoch: 2 });
    expect(await beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID())).toMatchObject({ done: true });
    // What a controller of the epoch before still believes begins nothing.
    expect(await enter(ledger)).toBe(false);
  });
});
