import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adoptMessage, answerEdit, recordShown, takeShowings } from '../../src/delivery/delivery.ts';
import {
  admitWaiting,
  answerSubmit,
  beginSubmit,
  leaseAttempt,
  takeSubmitToken,
} from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { openExecution } from '../../src/ledger/executions.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { cancelOrder, closeOrder, readDueOrders } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { endNotice, type Notice, postponeNotice, takeNotices } from '../../src/order/notices.ts';
import { takeOrdersToRelay } from '../../src/order/relay-queue.ts';
import { persist } from '../../src/postgres/persist.ts';
import type { DatabaseClient } from '../../src/postgres/pool.ts';
import { TestLedger, type TestOrder, type TestPerson } from '../support/ledger.ts';
import { waitFor } from '../support/wait.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.open();
  await ledger.admin.query(`select ledger.set_setting('live_attempt_limit', '10000')`);
});
afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

const times = <T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)));

async function begin(): Promise<{ person: TestPerson; order: TestOrder }> {
  const person = await ledger.person();
  return { person, order: await ledger.claimed(person) };
}

/** One order that nobody has claimed. */
async function placed(): Promise<{ orderId: string; specHash: string }> {
  const placement = ledger.placement(await ledger.person());
  await ledger.place(placement);
  const [sold] = placement.orders;
  if (sold === undefined) throw new Error('nothing sold');
  return sold;
}

/** The row of an order as somebody has it who is about to change it. */
async function heldOrder({ orderId }: { orderId: string }): Promise<DatabaseClient> {
  const client = await ledger.begun(ledger.superuser);
  await client.query('select from ledger.orders where order_id = $1 for no key update', [orderId]);
  return client;
}

describe('at the same moment', () => {
  it('eight taps on one button make one order', async () => {
    const person = await ledger.person();
    const placement = ledger.placement(person, 3);
    const placed = await times(8, () => ledger.place(placement));
    expect(placed.filter(({ outcome }) => outcome === 'placed')).toHaveLength(1);
    expect(placed.filter(({ outcome }) => outcome === 'exists')).toHaveLength(7);
    expect(new Set(placed.map((one) => ('orders' in one ? one.orders.join() : one.outcome))).size).toBe(1);
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 97, held: 3 });
    expect(await ledger.place({ ...placement, requestHash: 'other' })).toEqual({ outcome: 'conflict' });
    const stranger = await ledger.person();
    expect(await ledger.place({ ...ledger.placement(stranger), nonce: placement.nonce })).toEqual({
      outcome: 'conflict',
    });
  });

  it('two drafts of one person never spend the same credits', async () => {
    const person = await ledger.person(3);
    const placed = await times(4, () => ledger.place(ledger.placement(person, 3)));
    expect(placed.map(({ outcome }) => outcome).sort()).toEqual(['placed', 'refused', 'refused', 'refused']);
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 0, held: 3 });
  });

  it('an order is settled once, whoever asks for whatever end', async () => {
    for (let round = 0; round < 12; round += 1) {
      const { person, order } = await begin();
      await ledger.succeeded(order);
      const { nonce } = await ledger.editing(order);
      if (round % 3 === 0) await ledger.pass(order, 90_000);
      const ends = Promise.all([
        closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted'),
        closeOrder(ledger.controller, order.orderId, order.uid, 'DeliveryOver'),
        closeOrder(ledger.admin, order.orderId, null, 'Forfeit'),
        cancelOrder(ledger.bot, order.orderId, person.userId),
        recordShown(ledger.runner, order.orderId, nonce, { messageId: 7, fileId: 'f' }),
        recordShown(ledger.runner, order.orderId, nonce, { messageId: 7, fileId: 'f' }),
        closeOverdueHolds(ledger.controller),
        answerEdit(ledger.runner, nonce, { kind: 'unknown', failureClass: 'delivery-network' }),
      ]);
      // Each waits for the others at the order's lock, so that none of them is turned away.
      await expect(ends).resolves.toHaveLength(8);
      const seen = await ledger.observe(order);
      expect(seen.settled?.outcome).toBe('captured');
      expect(seen.delivery?.state).toBe('shown');
      expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ available: 99, held: 0 });
    }
  });

  it('a submit and a cancellation exclude each other', async () => {
    const won = { submit: 0, cancel: 0 };
    for (let round = 0; round < 15; round += 1) {
      const { person, order } = await begin();
      const lease = await ledger.leased(order);
      const [begun, cancelled] = await Promise.all([
        beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID()),
        cancelOrder(ledger.bot, order.orderId, person.userId),
      ]);
      expect(begun.done).toBe(cancelled.outcome !== 'cancelled');
      won[begun.done ? 'submit' : 'cancel'] += 1;
    }
    expect(won.submit + won.cancel).toBe(15);
  });

  it('of many begins one makes the paid call, and of many leases one is taken', async () => {
    const { order } = await begin();
    const lease = await ledger.leased(order);
    const begun = await times(8, () => beginSubmit(ledger.runner, lease.attemptId, lease.fence, randomUUID()));
    expect(begun.filter(({ done }) => done)).toHaveLength(1);
    const other = await begin();
    await ledger.execution(other.order);
    const leases = await times(6, (index) =>
      leaseAttempt(ledger.runner, other.order.orderId, other.order.uid, 1, `owner-${index}`),
    );
    expect(leases.map(({ outcome }) => outcome).sort()).toEqual(['held', 'held', 'held', 'held', 'held', 'leased']);
  });

  it('a begin and the answer that gives it up leave the attempt as ready as before', async () => {
    for (let round = 0; round < 15; round += 1) {
      const { order } = await begin();
      const lease = await ledger.leased(order);
      const nonce = randomUUID();
      const notSent = {
        kind: 'refused',
        resubmit: true,
        failureClass: 'provider-busy',
        message: 'not sent',
        retryAfterSeconds: 0,
      } as const;
      const [, answered] = await Promise.all([
        beginSubmit(ledger.runner, lease.attemptId, lease.fence, nonce),
        answerSubmit(ledger.runner, nonce, notSent),
      ]);
      expect(answered.state).toBe('ready');
      expect((await ledger.observe(order)).attempts.current?.state).toBe('ready');
    }
  });

  it('two objects with the same content have one claimant', async () => {
    const sold = await placed();
    const answers = await times(6, (index) =>
      claimOrder(ledger.controller, sold.orderId, `uid-${index}`, sold.specHash),
    );
    expect(answers.filter(({ answer }) => answer === 'yours')).toHaveLength(1);
    expect(
      answers.filter((one) => one.answer === 'refused' && one.reason === 'OtherClaimant' && !one.blocksOpenOrder),
    ).toHaveLength(5);
  });

  it('two objects whose claims overlap have one claimant', async () => {
    const sold = await placed();
    const holder = await heldOrder(sold);
    const claims = times(2, (index) => claimOrder(ledger.controller, sold.orderId, `uid-${index}`, sold.specHash));
    await waitFor(async () => (await ledger.waiting()) === 2, { what: 'both claims to wait' });
    await holder.query('commit');
    expect((await claims).map(({ answer }) => answer).sort()).toEqual(['refused', 'yours']);
  });

  it('two senders of a placeholder agree on one message', async () => {
    const { order } = await begin();
    await adoptMessage(ledger.bot, order.orderId, null, 7, null);
    const adopted = await times(4, (index) => adoptMessage(ledger.bot, order.orderId, null, null, 100 + index));
    expect(new Set(adopted.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('an execution is opened once', async () => {
    const { order } = await begin();
    const opened = await times(4, () => openExecution(ledger.controller, order.orderId, order.uid, 'generation', 1));
    expect(opened.map(({ outcome }) => outcome).sort()).toEqual(['exists', 'exists', 'exists', 'opened']);
    expect(await openExecution(ledger.controller, order.orderId, order.uid, 'generation', 2)).toMatchObject({
      outcome: 'refused',
    });
    expect(await openExecution(ledger.controller, order.orderId, 'other', 'generation', 1)).toMatchObject({
      outcome: 'refused',
    });
  });

  it('no more than 20 submits begin in 10 s', async () => {
    const tokens = await times(30, () => takeSubmitToken(ledger.runner, 'contested'));
    expect(tokens.filter(({ granted }) => granted)).toHaveLength(20);
    for (const { granted, retryAfterSeconds } of tokens) if (!granted) expect(retryAfterSeconds).toBeGreaterThan(5);
  });
});

describe('a killed connection', () => {
  it('leaves an order placed or not, and the same nonce finds out which', async () => {
    // Its own, because connections of the pool stay broken until they are used.
    const own = await TestLedger.open();
    const people = await times(20, () => own.person(3));
    const killBot =
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-bot' and datname = current_database()";
    for (const person of people) {
      const placement = own.placement(person);
      await Promise.allSettled([own.place(placement), own.superuser.query(killBot)]);
      const again = await persist(() => own.place(placement));
      expect(['placed', 'exists']).toContain(again.outcome);
      expect(await persist(() => readBalance(own.bot, person.userId))).toMatchObject({ available: 2, held: 1 });
    }
    expect(await own.violations()).toEqual([]);
  });
});

describe('an order that waits', () => {
  it('is relayed again and again until it is claimed, and by one relay at a time', async () => {
    const sold = await placed();
    const mine = async (): Promise<number[]> =>
      (await times(3, () => takeOrdersToRelay(ledger.bot, 100)))
        .flat()
        .filter(({ orderId }) => orderId === sold.orderId)
        .map(({ tries }) => tries);
    expect(await mine()).toEqual([1]);
    expect(await mine()).toEqual([]);
    await ledger.pass(sold, 3);
    expect(await mine()).toEqual([2]);
    await ledger.pass(sold, 3600);
    const [overdue] = (await takeOrdersToRelay(ledger.bot, 100)).filter(({ orderId }) => orderId === sold.orderId);
    expect(overdue?.overdue).toBe(true);
    expect(await closeOrder(ledger.bot, sold.orderId, null, 'Clock')).toMatchObject({
      settled: { reason: 'WaitedTooLong' },
    });
    // Its own object comes late: it is told how the order ended, and finishes so.
    expect(await claimOrder(ledger.controller, sold.orderId, 'late', sold.specHash)).toMatchObject({
      answer: 'yours',
      settled: { outcome: 'released', reason: 'WaitedTooLong' },
    });
  });

  it('is left alone by one relay while another one has it', async () => {
    const sold = await placed();
    const holder = await heldOrder(sold);
    let answered = 0;
    const relays = times(2, async () => {
      const orders = await takeOrdersToRelay(ledger.bot, 100);
      answered += 1;
      return orders.filter(({ orderId }) => orderId === sold.orderId);
    });
    await waitFor(async () => answered + (await ledger.waiting()) === 2, {
      what: 'both relays to pass it by, or to wait',
    });
    await holder.query('commit');
    expect((await relays).flat()).toEqual([]);
    expect(await takeOrdersToRelay(ledger.bot, 100)).toMatchObject([{ orderId: sold.orderId, tries: 1 }]);
  });

  it('is looked at though no event told of its object: posted a while ago, and claimed by nobody', async () => {
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [sold] = placement.orders;
    if (sold === undefined) throw new Error('nothing sold');
    const due = async () => (await readDueOrders(ledger.controller, new Date())).orders.includes(sold.orderId);
    await ledger.pass(sold, 6);
    expect(await due(), 'nobody has posted it').toBe(false);
    await takeOrdersToRelay(ledger.bot, 100);
    expect(await due()).toBe(true);
    await claimOrder(ledger.controller, sold.orderId, 'seen', sold.specHash);
    await closeOrder(ledger.controller, sold.orderId, 'seen', 'Deleted');
  });

  it('is blocked by an object of another content only while nobody claimed it', async () => {
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [sold] = placement.orders;
    if (sold === undefined) throw new Error('nothing sold');
    expect(await claimOrder(ledger.controller, sold.orderId, 'squatter', 'v1:other')).toEqual({
      answer: 'refused',
      reason: 'OtherContent',
      blocksOpenOrder: true,
    });
    expect(await claimOrder(ledger.controller, sold.orderId, 'true', sold.specHash)).toEqual({
      answer: 'yours',
      settled: null,
    });
    expect(await claimOrder(ledger.controller, sold.orderId, 'true', 'v1:altered')).toEqual({
      answer: 'yours',
      settled: null,
    });
    expect(await claimOrder(ledger.controller, 'aaaaaaaaaaaa', 'x', 'v1:x')).toMatchObject({ reason: 'UnknownOrder' });
  });

  it('is admitted in turn: person by person, then by age', async () => {
    const own = await TestLedger.open();
    await own.admin.query(`select ledger.set_setting('live_attempt_limit', '0')`);
    const [first, second] = [await own.person(), await own.person()];
    const orders = [
      await own.claimed(first),
      await own.claimed(first),
      await own.claimed(first),
      await own.claimed(second),
    ];
    expect(await admitWaiting(own.controller)).toEqual({ admitted: [], waiting: 4 });
    const places = (await takeNotices(own.bot, 'b', 100)).map(({ fact }) =>
      fact.kind === 'progress' ? fact.stage : fact.kind,
    );
    expect(places).toEqual(['queued', 'queued']);
    await own.admin.query(`select ledger.set_setting('live_attempt_limit', '3')`);
    const ids = orders.map(({ orderId }) => orderId);
    const sweeps = await times(3, () => admitWaiting(own.controller));
    expect(sweeps.flatMap(({ admitted }) => admitted)).toEqual([ids[0], ids[3], ids[1]]);
    await cancelOrder(own.bot, ids[0] ?? '', first.userId);
    expect(await admitWaiting(own.controller)).toEqual({ admitted: [ids[2]], waiting: 0 });
  });
});

describe('an order that is claimed', () => {
  it('waits behind those who wait, though a slot has become free', async () => {
    const own = await TestLedger.open();
    await own.admin.query(`select ledger.set_setting('live_attempt_limit', '0')`);
    const [first, second] = [await own.claimed(await own.person()), await own.person()];
    await own.admin.query(`select ledger.set_setting('live_attempt_limit', '1')`);
    const late = await own.claimed(second);
    expect((await own.observe(late)).admittedAt).toBeNull();
    expect(await admitWaiting(own.controller)).toEqual({ admitted: [first.orderId], waiting: 1 });
  });
});

describe('what a person is told', () => {
  const kindOf = ({ fact }: Notice): string => (fact.kind === 'progress' ? fact.stage : fact.kind);

  it('comes in order per chat, one at a time, and only the newest progress', async () => {
    const own = await TestLedger.open();
    const person = await own.person();
    const order = await own.claimed(person);
    await own.accepted(order);
    const [[first], second] = [await takeNotices(own.bot, 'a', 10), await takeNotices(own.bot, 'b', 10)];
    if (first === undefined) throw new Error('nothing to tell');
    expect(first).toMatchObject({ orderId: order.orderId, chatId: person.chatId, messageId: 7, available: 99 });
    expect(kindOf(first)).toBe('generating');
    expect(second).toEqual([]);
    await postponeNotice(own.bot, first.noticeId, 60);
    expect(await takeNotices(own.bot, 'a', 10)).toEqual([]);
    await own.pass(order, 1801);
    await closeOrder(own.controller, order.orderId, order.uid, 'Clock');
    const [failed] = await takeNotices(own.bot, 'a', 10);
    expect(failed?.fact).toEqual({
      kind: 'failed',
      reason: 'GenerationDeadlineExceeded',
      failureClass: null,
      returned: 1,
    });
    await endNotice(own.bot, failed?.noticeId ?? 0, 'unreachable');
    await endNotice(own.bot, failed?.noticeId ?? 0, 'sent');
    expect(await takeNotices(own.bot, 'a', 10)).toEqual([]);
    expect(await takeShowings(own.bot, 'a', 10)).toEqual([]);
  });

  it('says once that it takes longer than usual, and not when there is nothing to wait for any more', async () => {
    const own = await TestLedger.open();
    const person = await own.person();
    const [slow, cancelled] = [await own.claimed(person), await own.claimed(await own.person())];
    await own.pass(slow, 479);
    await readDueOrders(own.controller, new Date());
    await own.pass(slow, 2);
    await own.pass(cancelled, 481);
    await Promise.all([readDueOrders(own.controller, new Date()), readDueOrders(own.controller, new Date())]);
    await readDueOrders(own.controller, new Date());
    await cancelOrder(own.bot, cancelled.orderId, cancelled.userId);
    const told: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (const notice of await takeNotices(own.bot, 'a', 10)) {
        told.push(`${notice.orderId === slow.orderId ? 'slow' : 'cancelled'} ${kindOf(notice)}`);
        await endNotice(own.bot, notice.noticeId, 'sent');
      }
    }
    expect(told.sort()).toEqual(['cancelled failed', 'slow preparing', 'slow slow']);
  });
});
