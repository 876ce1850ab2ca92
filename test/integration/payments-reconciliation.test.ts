import { expect, test } from 'vitest';
import { store } from '../../src/bot/intake.ts';
import { reconcile } from '../../src/bot/reconciliation.ts';
import { reconciliationAge } from '../../src/bot/reconciliation-row.ts';
import type { StarTransaction } from '../../src/telegram/stars.ts';
import { openTill, sale, type Till } from '../support/till.ts';
import { waitFor } from '../support/wait.ts';

const now = (): number => Math.round(Date.now() / 1000);

/** Reconciles with a list of our own making. */
function withList(till: Till, list: readonly StarTransaction[], asked: number[] = []) {
  const telegram = {
    getStarTransactions: (offset: number, limit: number) => {
      asked.push(offset);
      return Promise.resolve(list.slice(offset, offset + limit));
    },
  };
  return reconcile({ intake: till.intake, telegram, owner: 'me', signal: AbortSignal.timeout(60_000) }, true);
}

function sold(id: string, telegramId: number, payload = 'none'): StarTransaction {
  const source = {
    type: 'user',
    transaction_type: 'invoice_payment',
    user: { id: telegramId },
    invoice_payload: payload,
  };
  return { id, amount: sale.stars, date: now(), source };
}

test('a payment whose update got lost is found in the list, booked and told; the update may still come', async () => {
  const till = await openTill();
  till.receiving();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  const chargeId = await till.paid(bill, true);
  expect(await till.reconcile()).toBe('whole');
  expect(till.outcomes).toEqual(['reconciliation booked']);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await till.reconcile()).toBe('whole');
  await store([till.paymentUpdate(bill, chargeId, 970_001)], till.intake);
  expect(till.outcomes).toEqual(['reconciliation booked', 'reconciliation exists', 'update exists']);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await till.told(anna)).toHaveLength(1);
  expect(await till.ledger.violations()).toEqual([]);
});

test('updates and the list at once book each payment once', async () => {
  const till = await openTill();
  till.receiving();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const lists: Promise<unknown>[] = [];
  for (let round = 1; round <= 6; round += 1) {
    await till.paid(await till.bill(anna), round % 3 === 0);
    lists.push(till.reconcile());
  }
  await Promise.all(lists);
  await till.reconcile();
  await waitFor(() => till.outcomes.filter((one) => one.startsWith('update')).length >= 4, { what: 'the updates' });
  expect((await till.balance(anna)).available).toBe(before + 6 * sale.credits);
  expect(till.outcomes.filter((one) => one.endsWith(' booked'))).toHaveLength(6);
  expect(await till.told(anna)).toHaveLength(6);
});

test('the list is followed page by page, from a little before where it was left', async () => {
  const till = await openTill();
  const list = Array.from({ length: 230 }, (_, n) => sold(`charge-${n}`, 400));
  const asked: number[] = [];
  expect(await withList(till, list, asked)).toBe('whole');
  expect(asked).toEqual([0, 100, 200]);
  expect(till.outcomes.filter((one) => one === 'reconciliation unmatched')).toHaveLength(230);
  asked.length = 0;
  // One more at the end, and one that Telegram wrote late, a little before it.
  list.splice(200, 0, sold('charge-late', 400));
  list.push(sold('charge-new', 400));
  expect(await withList(till, list, asked)).toBe('whole');
  expect(asked).toEqual([180]);
  expect(till.outcomes.filter((one) => one === 'reconciliation unmatched')).toHaveLength(232);
  // Another list altogether, as after a change of the bot's token: from its beginning.
  asked.length = 0;
  expect(await withList(till, [sold('another', 400)], asked)).toBe('whole');
  expect(asked).toEqual([182, 0]);
  asked.length = 0;
  expect(await withList(till, [sold('another', 400), sold('charge-2', 400)], asked)).toBe('whole');
  expect(asked).toEqual([0]);
});

test('what is in the list but no sale of ours is passed over', async () => {
  const till = await openTill();
  const user = { id: 400 };
  const list: StarTransaction[] = [
    { id: 'a', amount: 1, date: now(), receiver: { type: 'fragment' } },
    { id: 'b', amount: 1, date: now(), source: { type: 'telegram_ads' } },
    { id: 'c', amount: 1, date: now(), source: { type: 'user', transaction_type: 'paid_media_payment', user } },
    { id: 'd', amount: 1, date: now(), receiver: { type: 'user', transaction_type: 'gift_purchase', user } },
    { id: 'e', amount: 1, date: now() },
  ];
  expect(await withList(till, list)).toBe('whole');
  expect(till.outcomes).toEqual([]);
});

test('what somebody else sold under this token, before these books were opened, is nobody’s worry', async () => {
  const till = await openTill();
  const old = { ...sold('charge-1', 400), date: now() - 3_600 };
  expect(await withList(till, [old, sold('charge-2', 401)])).toBe('whole');
  expect(till.outcomes).toEqual(['reconciliation unmatched']);
  expect(await till.told({ userId: 0, chatId: 400 })).toEqual([]);
  expect(await till.told({ userId: 0, chatId: 401 })).toHaveLength(1);
});

test('one entry that cannot be booked keeps none behind it waiting, and the list counts as not followed until it can', async () => {
  const till = await openTill();
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  await till.ledger.superuser.query('alter table ledger.payments add constraint broken check (charge_id <> $$bad$$)');
  // Further back than what is read again anyway.
  const list = [
    sold('bad', 400),
    ...Array.from({ length: 120 }, (_, n) => sold(`charge-${n}`, 400)),
    sold('good', anna.chatId, bill.invoiceId),
  ];
  await till.ledger.superuser.query(`update bot.reconciliation set succeeded_at = succeeded_at - interval '1 hour'`);
  const age = await reconciliationAge(till.ledger.bot);
  expect(await withList(till, list)).toBe('broken');
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect(await reconciliationAge(till.ledger.bot)).toBeGreaterThan(age);
  await till.ledger.superuser.query('alter table ledger.payments drop constraint broken');
  expect(await withList(till, list)).toBe('whole');
  expect(await till.ledger.rows(`select from ledger.payments where charge_id = 'bad'`)).toHaveLength(1);
  expect(await reconciliationAge(till.ledger.bot)).toBeLessThan(age);
});

test('one replica follows the list; what Telegram does not answer is asked for again a minute later', async () => {
  const till = await openTill();
  await till.telegram.dev('POST', 'faults', { method: 'getStarTransactions', fault: 'hang', times: 1, seconds: 60 });
  const first = till.reconcile();
  await waitFor(async () => (await till.telegram.journal('?method=getStarTransactions')).length === 1, {
    what: 'the list to be asked for',
  });
  expect(await till.reconcile()).toBe('idle');
  await till.telegram.dev('DELETE', 'faults');
  expect(await first).toBe('broken');
  const due = await till.ledger.rows(
    `select due_at - clock_timestamp() between interval '50 s' and interval '60 s' as soon from bot.reconciliation`,
  );
  expect(due).toEqual([{ soon: true }]);
  expect(await till.reconcile()).toBe('whole');
  const later = await till.ledger.rows(
    `select due_at - clock_timestamp() between interval '890 s' and interval '900 s' as later from bot.reconciliation`,
  );
  expect(later).toEqual([{ later: true }]);
});

test('a follower that died is followed after its lease, from what it had booked', async () => {
  const till = await openTill();
  const list = Array.from({ length: 150 }, (_, n) => sold(`charge-${n}`, 400));
  const dying = {
    getStarTransactions: (offset: number, limit: number) =>
      offset === 0 ? Promise.resolve(list.slice(0, limit)) : new Promise<never>(() => undefined),
  };
  void reconcile({ intake: till.intake, telegram: dying, owner: 'dying', signal: AbortSignal.timeout(60_000) }, true);
  await waitFor(async () => (await till.ledger.rows('select from bot.reconciliation where seen = 100')).length === 1, {
    what: 'the first page',
  });
  await till.ledger.superuser.query(`update bot.reconciliation set held_until = clock_timestamp()`);
  const asked: number[] = [];
  expect(await withList(till, list, asked)).toBe('whole');
  expect(asked).toEqual([50, 150]);
  expect(till.outcomes.filter((one) => one === 'reconciliation unmatched')).toHaveLength(150);
});
