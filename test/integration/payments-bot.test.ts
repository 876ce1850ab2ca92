import { expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../dev/port.ts';
import { startBotRig } from '../support/bot.ts';
import { waitFor } from '../support/wait.ts';

type Rig = Awaited<ReturnType<typeof startBotRig>>;

const money = z.object({ balance: z.object({ available: z.number(), held: z.number(), debt: z.number() }) });

/** A shop with one thing on sale: 10 credits for 25 Stars. */
async function openShop(...given: Parameters<typeof startBotRig>): Promise<Rig> {
  const bot = await startBotRig(...given);
  await bot.rows(`select ledger.set_package('ten', 10, 25, true, 'test', 'on sale')`, [], z.unknown());
  return bot;
}

async function available(bot: Rig, chat: number): Promise<number> {
  const [row] = await bot.rows(
    'select ledger.balance(user_id) as balance from ledger.people where telegram_id = $1',
    [chat],
    money,
  );
  return row?.balance.available ?? -1;
}

async function violations(bot: Rig): Promise<unknown[]> {
  return bot.rows('select * from ledger.violations', [], z.unknown());
}

test('somebody buys credits in the chat, gets them, and has one purchase given back', async () => {
  const bot = await openShop();
  const anna = bot.customer(801);
  await anna.enter();
  const before = await available(bot, 801);
  const bill = await anna.askForBill();
  expect(bill['invoice']).toMatchObject({ title: '10 credits', currency: 'XTR', total_amount: 25 });
  const { ok, charge_id: charge } = await anna.pay(bill.message_id);
  expect(ok).toBe(true);
  await anna.seeText(`You bought 10 credits. Your balance: ${before + 10} credits.`);
  // The same bill again, and a new one whose price went up meanwhile: it stays what was shown.
  const late = await anna.askForBill();
  await bot.rows(`select ledger.set_package('ten', 10, 40, true, 'test', 'dearer')`, [], z.unknown());
  expect((await anna.pay(late.message_id)).ok).toBe(true);
  await anna.seeText(`Your balance: ${before + 20} credits.`);
  // An operator gives the first one back.
  await bot.rows(`select ledger.begin_payment_refund($1, 'ticket', 'test', 'asked for', false)`, [charge], z.unknown());
  await anna.seeText(
    `⭐ 25 went back to you. 10 credits of that purchase are no longer yours. Your balance: ${before + 10} credits.`,
  );
  expect(await available(bot, 801)).toBe(before + 10);
  expect(await violations(bot)).toEqual([]);
  const log = bot.lines.join('\n');
  expect(log).not.toContain('stand-in-token');
  const metrics = await (await fetch(`${bot.url()}/metrics`)).text();
  expect(metrics).toContain('neurocards_checkouts_total{answer="ok"} 2');
  expect(metrics).toContain('neurocards_payment_bookings_total{source="update",outcome="booked"} 2');
  expect(metrics).toContain('neurocards_payment_refund_answers_total{answer="done"} 1');
  expect(metrics).toMatch(/neurocards_payment_reconciliation_age_seconds \d/);
});

test('what is not on sale is not sold, and whoever has not agreed to the terms is asked first', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(802);
  await anna.say('/buy');
  await anna.seeText('Do you agree?');
  await anna.press('accept');
  await anna.seeText('Send a photo of your product');
  await anna.say('/buy');
  await anna.seeText('No credits are on sale');
  await anna.say('/paysupport');
  await anna.seeText('@a_human');
  await bot.rows(`select ledger.set_package('ten', 10, 25, true, 'test', 'on sale')`, [], z.unknown());
  await anna.say('/buy');
  await anna.seeButton('buy');
  await bot.rows(`select ledger.set_package('ten', 10, 25, false, 'test', 'gone')`, [], z.unknown());
  await anna.press('buy');
  await anna.seeText('I cannot sell you that');
  expect(await bot.rows('select invoice_id from ledger.invoices', [], z.unknown())).toEqual([]);
});

test('killed before, in and after everything that belongs to a payment, the bot books it once and says so', {
  timeout: 180_000,
}, async () => {
  const bot = await openShop();
  const anna = bot.customer(803);
  await anna.enter();
  let due = await available(bot, 803);
  const fault = (method: string, kind: string) =>
    bot.telegram.dev('POST', 'faults', { method, fault: kind, times: 1, seconds: 60 });
  const hasCredits = (what: string) =>
    waitFor(async () => (await available(bot, 803)) === due, { what: `${what}: ${due} credits` });

  // With the bill's row made and the bill not sent, or sent without its answer: the same bill comes after all.
  await fault('sendInvoice', 'hang');
  await anna.say('/buy');
  await anna.press('buy');
  await waitFor(async () => (await bot.telegram.journal('?method=sendInvoice')).length === 1, { what: 'the bill' });
  await bot.kill();
  await bot.telegram.dev('DELETE', 'faults');
  await bot.start();
  const bill = await anna.see('the bill', (one) => one['invoice'] !== undefined);
  expect(await bot.rows('select invoice_id from ledger.invoices', [], z.unknown())).toHaveLength(1);

  // After the checkout was let through, before anything came of it.
  await fault('getUpdates', 'process-then-drop');
  const paying = anna.pay(bill.message_id);
  expect((await paying).ok).toBe(true);
  await bot.kill();
  due += 10;
  await bot.start();
  await hasCredits('killed after the checkout');

  // Booked and stored; the offset was not moved, and nothing was said.
  const second = await anna.askForBill();
  await fault('sendMessage', 'hang');
  expect((await anna.pay(second.message_id)).ok).toBe(true);
  due += 10;
  await hasCredits('booked');
  await bot.kill();
  await bot.telegram.dev('DELETE', 'faults');
  await bot.telegram.dev('POST', 'faults', { method: 'getUpdates', fault: 'redeliver', times: 1 });
  await bot.start();
  await anna.seeText(`You bought 10 credits. Your balance: ${due} credits.`);

  // The bot is gone when it is paid, and the update with it.
  const third = await anna.askForBill();
  expect((await anna.pay(third.message_id, true)).ok).toBe(true);
  await bot.kill();
  due += 10;
  await bot.start();
  await hasCredits('found in the list at the start');
  await anna.seeText(`Your balance: ${due} credits.`);
  const thanks = (await anna.messages()).filter((one) => one.text?.includes('You bought 10 credits') === true);
  expect(thanks).toHaveLength(3);
  expect(await violations(bot)).toEqual([]);
});

test('killed in the middle of a refund, the bot asks again, and the Stars go back once', {
  timeout: 180_000,
}, async () => {
  const bot = await openShop();
  const anna = bot.customer(804);
  await anna.enter();
  const before = await available(bot, 804);
  const charges: string[] = [];
  for (let n = 1; n <= 2; n += 1) {
    const { charge_id: charge } = await anna.pay((await anna.askForBill()).message_id);
    charges.push(charge ?? '');
    await anna.seeText(`Your balance: ${before + n * 10} credits.`);
  }
  for (const [n, [charge, fault]] of [
    [charges[0], 'hang'],
    [charges[1], 'slow'],
  ].entries()) {
    await bot.telegram.dev('POST', 'faults', { method: 'refundStarPayment', fault, times: 1, seconds: 3 });
    await bot.rows(
      `select ledger.begin_payment_refund($1, $2, 'test', 'asked for', false)`,
      [charge, `t-${n}`],
      z.unknown(),
    );
    await waitFor(async () => (await bot.telegram.journal('?method=refundStarPayment')).length >= 1 + n * 2, {
      what: 'the refund under way',
    });
    await bot.kill();
    await waitFor(
      async () =>
        (await bot.telegram.journal('?method=refundStarPayment')).every(({ outcome }) => outcome !== 'pending'),
      { what: 'the call to end' },
    );
    await bot.rows(
      'update ledger.payment_refunds set lease_until = clock_timestamp() where ended_at is null returning 1',
      [],
      z.unknown(),
    );
    await bot.start();
    await waitFor(
      async () =>
        (await bot.rows(`select state from ledger.payment_refunds where state = 'done'`, [], z.unknown())).length ===
        n + 1,
      { what: 'the end of the refund' },
    );
  }
  const transactions = z.array(z.looseObject({ refund: z.unknown().optional() }));
  const list = transactions.parse((await bot.telegram.dev('GET', 'transactions')).json);
  expect(list.map(({ refund }) => refund !== undefined)).toEqual([true, true]);
  await anna.seeText('went back to you');
  await waitFor(
    async () => (await anna.messages()).filter((one) => one.text?.includes('went back to you') === true).length === 2,
    { what: 'both to be told' },
  );
  expect(await available(bot, 804)).toBe(before);
  expect(await violations(bot)).toEqual([]);
});

test('by webhook a payment that cannot be booked is answered 500 and comes again; checkouts do not wait for it', async () => {
  const port = await freePort();
  const bot = await openShop({
    NEUROCARDS_HTTP_ADDRESS: `127.0.0.1:${port}`,
    NEUROCARDS_PUBLIC_URL: `http://127.0.0.1:${port}`,
    NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: 'a-secret_of_ours',
  });
  const [anna, boris] = [bot.customer(805), bot.customer(806)];
  await anna.enter();
  await boris.enter();
  const before = await available(bot, 805);
  await bot.rows(
    `create function bot.broken() returns trigger language plpgsql as $$ begin
       if new.telegram_id = 805 then raise exception 'broken'; end if; return new; end $$`,
    [],
    z.unknown(),
  );
  await bot.rows(
    'create trigger broken before insert on ledger.payments for each row execute function bot.broken()',
    [],
    z.unknown(),
  );
  expect((await anna.pay((await anna.askForBill()).message_id)).ok).toBe(true);
  await waitFor(() => bot.lines.some((line) => line.includes('could not be booked')), { what: 'the failure' });
  const bill = await boris.askForBill();
  expect((await boris.pay(bill.message_id)).ok).toBe(true);
  await boris.seeText('You bought 10 credits');
  expect(await available(bot, 805)).toBe(before);
  await bot.rows('drop trigger broken on ledger.payments', [], z.unknown());
  await anna.seeText('You bought 10 credits');
  expect(await available(bot, 805)).toBe(before + 10);
  expect(await violations(bot)).toEqual([]);
});
