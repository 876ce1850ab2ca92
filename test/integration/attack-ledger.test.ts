import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { adoptMessage, answerEdit, takeShowings } from '../../src/delivery/delivery.ts';
import {
  answerSubmit,
  beginSubmit,
  failAttempt,
  recordPhotoUrl,
  recordPrompt,
  rejectAttempt,
  renewAttempt,
  succeedAttempt,
} from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { recordRequests } from '../../src/ledger/executions.ts';
import { registerPerson } from '../../src/ledger/people.ts';
import { cancelOrder } from '../../src/ledger/settlement.ts';
import { endNotice, takeNotices } from '../../src/order/notices.ts';
import { TestLedger, videoOf } from '../support/ledger.ts';

const blocked = {
  kind: 'refused',
  meaning: 'unreachable',
  failureClass: 'delivery-blocked',
  retryAfterSeconds: 0,
} as const;

describe('a runner that was taken over', () => {
  it("writes nothing to an attempt whose lease it never took, however it guesses the row's numbers", async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const { lease } = await ledger.accepted(order);
    const ready = await ledger.leased(await ledger.claimed(await ledger.person()));
    for (const guess of Array.from({ length: 8 }, (_, index) => index)) {
      const own = { ...videoOf(order.orderId), sha256: 'b'.repeat(64) };
      const writes = [
        succeedAttempt(ledger.runner, lease.attemptId, guess, own),
        failAttempt(ledger.runner, lease.attemptId, guess, 'user-person', 'a guess'),
        beginSubmit(ledger.runner, ready.attemptId, guess, randomUUID()),
        rejectAttempt(ledger.runner, ready.attemptId, guess, 'user-photo', 'a guess'),
        recordPrompt(ledger.runner, ready.attemptId, guess, 'a prompt of mine', 'person'),
        recordPhotoUrl(ledger.runner, ready.attemptId, guess, 'https://mine.example/photo.jpg', new Date()),
      ];
      for (const { done } of await Promise.all(writes)) expect(done).toBe(false);
      expect(await renewAttempt(ledger.runner, ready.attemptId, guess)).toMatchObject({ held: false });
    }
    expect((await ledger.observe(order)).attempts.current?.state).toBe('accepted');
  });

  it("moves nobody's video to another message without the delivery's lease", async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.succeeded(order);
    const { fence } = await ledger.editing(order);
    await expect(adoptMessage(ledger.runner, order.orderId, null, 7, 666)).rejects.toThrow('message_by_its_lease');
    expect(await adoptMessage(ledger.runner, order.orderId, 1, 7, 666)).toEqual({ messageId: 7 });
    expect(await adoptMessage(ledger.runner, order.orderId, fence, 7, 8)).toEqual({ messageId: 8 });
    expect(await adoptMessage(ledger.bot, order.orderId, null, 8, 9)).toEqual({ messageId: 9 });
  });

  it('makes no more labels of metrics than there may be, and no count too big to add to', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const execution = await ledger.execution(order);
    const say = (number: number) =>
      recordRequests(ledger.runner, order.orderId, order.uid, 'generation', execution, [
        { target: 'provider', operation: 'submit', class: 'ok', count: 1 },
        ...Array.from({ length: 100 }, (_, index) => ({
          target: 'provider' as const,
          operation: `made up ${number} ${index}`,
          class: 'ok',
          count: Number.MAX_SAFE_INTEGER,
        })),
      ]);
    for (const number of [1, 2, 3, 4, 5]) await say(number);
    const rows = await ledger.rows(
      'select operation, count::integer from ledger.request_counts order by operation desc',
    );
    expect(rows.length).toBeLessThanOrEqual(300);
    expect(rows[0]).toEqual({ operation: 'submit', count: 5 });
    expect(rows[1]).toMatchObject({ count: 1_000_000 });
  });
});

describe("another person's video", () => {
  it('is not taken for this order: one task belongs to one attempt', async () => {
    const ledger = await TestLedger.open();
    const anna = await ledger.submitting(await ledger.claimed(await ledger.person()));
    const order = await ledger.claimed(await ledger.person());
    const boris = await ledger.submitting(order);
    await answerSubmit(ledger.runner, anna.nonce, { kind: 'accepted', taskId: 'task-of-anna' });
    await expect(
      answerSubmit(ledger.runner, boris.nonce, { kind: 'accepted', taskId: 'task-of-anna' }),
    ).rejects.toThrow('one_attempt_per_task');
    expect((await ledger.observe(order)).attempts.current).toMatchObject({ state: 'intent', taskId: null });
  });

  it('is not stored for this order, for a video lies under the order it was made for', async () => {
    const ledger = await TestLedger.open();
    const anna = await ledger.claimed(await ledger.person());
    const order = await ledger.claimed(await ledger.person());
    const { lease } = await ledger.accepted(order);
    const hers = videoOf(anna.orderId);
    await expect(succeedAttempt(ledger.runner, lease.attemptId, lease.fence, hers)).rejects.toThrow(
      'attempt_video_is_of_its_order',
    );
  });
});

describe('an order that no pass looks at', () => {
  it('ends at its clock all the same: nobody claimed it, and no bot is there to close it', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const placement = ledger.placement(person);
    await ledger.place(placement);
    const [order] = placement.orders;
    if (order === undefined) throw new Error('a placement without an order');
    await ledger.pass(order, 3500);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([]);
    await ledger.pass(order, 160);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([order.orderId]);
    expect((await ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'WaitedTooLong' });
  });

  it('ends at its clock all the same: its VideoJob is gone, or cannot be read', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.accepted(order);
    await ledger.pass(order, 1801);
    // Whoever looks at it has the first word.
    expect(await closeOverdueHolds(ledger.controller)).toEqual([]);
    await ledger.pass(order, 30);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([order.orderId]);
    expect((await ledger.observe(order)).settled?.reason).toBe('GenerationDeadlineExceeded');
    expect(await ledger.violations()).toEqual([]);
  });

  it('that cannot be closed does not keep the credits of others', async () => {
    const ledger = await TestLedger.open();
    const [stuck, other] = [
      await ledger.claimed(await ledger.person()),
      await ledger.claimed(await ledger.person()),
    ] as const;
    for (const order of [stuck, other]) await ledger.pass(order, 90_000);
    // A bug of the future, played by a rule that refuses this one order's end.
    await ledger.superuser.query(`
      create function ledger.refuse_one() returns trigger language plpgsql as $$
      begin if new.order_id = '${stuck.orderId}' then raise exception 'no'; end if; return new; end $$;
      create trigger refuse_one before update on ledger.holds for each row execute function ledger.refuse_one();`);
    expect(await closeOverdueHolds(ledger.controller)).toEqual([other.orderId]);
  });
});

describe('a person who comes back', () => {
  it('while the refusal of an edit is on its way gets the video, and does not wait for another word of theirs', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    await registerPerson(ledger.bot, person.chatId, 'en');
    await answerEdit(ledger.runner, nonce, blocked);
    expect((await ledger.observe(order)).settled?.reason).toBe('RecipientUnreachable');
    expect((await takeShowings(ledger.bot, 'bot', 5)).map(({ orderId }) => orderId)).toEqual([order.orderId]);
  });

  it('while a notice is refused is not taken for gone', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    await ledger.claimed(person);
    const [notice] = await takeNotices(ledger.bot, 'bot', 1);
    await registerPerson(ledger.bot, person.chatId, 'en');
    await endNotice(ledger.bot, notice?.noticeId ?? 0, 'unreachable');
    expect(await ledger.rows('select unreachable_since from ledger.people')).toEqual([{ unreachable_since: null }]);
  });

  it('while they are told how an order ended is told it again, and once they left again only when they are back', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    await cancelOrder(ledger.bot, order.orderId, order.userId);
    const taken = async () =>
      (await takeNotices(ledger.bot, 'bot', 1)).map(({ noticeId, fact }) => [noticeId, fact.kind]);
    const [[notice, kind] = []] = await taken();
    expect(kind).toBe('failed');
    await registerPerson(ledger.bot, person.chatId, 'en');
    await endNotice(ledger.bot, Number(notice), 'unreachable');
    expect(await taken()).toEqual([[notice, 'failed']]);
    await endNotice(ledger.bot, Number(notice), 'unreachable');
    expect(await taken()).toEqual([]);
    await registerPerson(ledger.bot, person.chatId, 'en');
    expect(await taken()).toEqual([[notice, 'failed']]);
  });
});

describe('the audit sees what a lost guard would let through', () => {
  it.each([
    [
      'a second welcome',
      'alter table ledger.transfers drop constraint transfer_key_once',
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
       select idempotency_key, kind, user_id, debit, credit, amount, free_amount from ledger.transfers where kind = 'welcome'`,
      'welcomed more than once',
    ],
    [
      'two live attempts',
      'drop index ledger.one_live_attempt; drop trigger guard_new_attempt on ledger.attempts',
      'insert into ledger.attempts (order_id, n) select order_id, 2 from ledger.attempts',
      'more than one live attempt',
    ],
    [
      'two tasks of one submit',
      'select',
      `insert into ledger.task_hints (nonce, task_id, verdict) select nonce, 'a-second-task', 'ours' from ledger.submit_nonces`,
      'the provider made another task of a submit than the one we know',
    ],
  ])('%s', async (_what, remove, statement, explanation) => {
    const ledger = await TestLedger.open();
    await ledger.accepted(await ledger.claimed(await ledger.person()));
    expect(await ledger.violations()).toEqual([]);
    await ledger.superuser.query(remove);
    await ledger.superuser.query(statement);
    expect((await ledger.violations()).map((bug) => bug.explanation)).toEqual([explanation]);
  });
});
