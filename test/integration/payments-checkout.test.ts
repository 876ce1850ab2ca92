import { expect, test } from 'vitest';
import { z } from 'zod';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { openTill, sale, type Till } from '../support/till.ts';
import { waitFor } from '../support/wait.ts';

/** How long the stand-in waited for each answer (ms), by its journal and our own clock. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const from = performance.now();
  return { result: await work(), ms: performance.now() - from };
}

async function answers({ telegram }: Till) {
  return telegram.journal('?method=answerPreCheckoutQuery');
}

test('a bill is paid once, by the person it was made for, for its price, in time', async () => {
  const till = await openTill();
  till.receiving();
  const [anna, boris] = [await till.person(), await till.person()];
  const { available: before } = await till.balance(anna);
  const bill = await till.bill(anna);
  await till.paid(bill);
  await waitFor(async () => (await till.balance(anna)).available === before + sale.credits, { what: 'the credits' });
  // The same bill in another message.
  const again = await till.pay(await till.send(anna.chatId, bill.invoiceId, sale.stars));
  expect(again).toEqual({ chargeId: undefined, refusal: expect.stringContaining('paid already') });
  const open = await till.bill(anna);
  const foreign = await till.pay(await till.send(boris.chatId, open.invoiceId, sale.stars));
  expect(foreign).toEqual({ chargeId: undefined, refusal: expect.stringContaining('somebody else') });
  const cheaper = await till.pay(await till.send(anna.chatId, open.invoiceId, sale.stars - 1));
  expect(cheaper).toEqual({ chargeId: undefined, refusal: expect.stringContaining('another price') });
  const unknown = await till.pay(await till.send(anna.chatId, 'a'.repeat(20), sale.stars));
  expect(unknown).toEqual({ chargeId: undefined, refusal: expect.stringContaining('do not know this bill') });
  await till.expire();
  const late = await till.pay(open);
  expect(late).toEqual({ chargeId: undefined, refusal: expect.stringContaining('too old') });
  // Of all these, one charge.
  expect((await till.telegram.dev('GET', 'transactions')).json).toHaveLength(1);
  expect(await till.ledger.violations()).toEqual([]);
});

test('a refusal is said in the language that the person chose', async () => {
  const till = await openTill();
  till.receiving();
  const anna = await till.person();
  await till.ledger.bot.query(`select ledger.set_language($1, 'ru')`, [anna.userId]);
  const { refusal } = await till.pay(await till.send(anna.chatId, 'b'.repeat(20), sale.stars));
  expect(refusal).toContain('Такого счёта у нас нет');
});

test('with PostgreSQL away or silent the person hears a no within 8 s, also while other updates wait for it', async () => {
  const till = await openTill();
  const proxy = await startDatabaseProxy(till.database.ownerUrl);
  const away = till.intakeOn(till.poolOn(proxy.urlOf(till.database.urlFor('bot'))));
  const stop = till.receiving(away, 60);
  const anna = await till.person();
  const [first, second, third] = [await till.bill(anna), await till.bill(anna), await till.bill(anna)];
  await waitFor(async () => (await till.ledger.rows('select from bot.inbox')).length > 0, { what: 'the first update' });

  proxy.hang();
  // A message whose storing will hang, and a checkout behind it, when the poll that brought the message is long over.
  await till.telegram.say(anna.chatId, 'a message that cannot be stored');
  await waitFor(async () => (await till.telegram.journal('?method=getUpdates')).some(isAnswered), { what: 'the poll' });
  const silent = await timed(() => till.pay(first));
  expect(silent.result.refusal).toContain('cannot take payments for the moment');
  expect(silent.ms).toBeLessThan(8_000);

  proxy.up();
  proxy.down();
  const gone = await timed(() => till.pay(second));
  expect(gone.result.refusal).toContain('cannot take payments for the moment');
  expect(gone.ms).toBeLessThan(8_000);

  proxy.up();
  await till.paid(third);
  const stored = z.object({ text: z.string() });
  await waitFor(
    async () =>
      (
        await till.ledger.rows(`select body->'message'->>'text' as text from bot.inbox where body->'message' ? 'text'`)
      ).some((row) => stored.parse(row).text === 'a message that cannot be stored'),
    { what: 'the message that could not be stored' },
  );
  await stop();
  await proxy.close();
});

function isAnswered({ outcome, processed }: { outcome: string; processed: boolean }): boolean {
  return outcome === 'ok' && processed;
}

test('an answer that got lost is said again, and one that hangs is given up for another', async () => {
  const till = await openTill();
  till.receiving();
  const anna = await till.person();
  for (const fault of ['drop', '502-html', 'hang'] as const) {
    await till.telegram.dev('POST', 'faults', { method: 'answerPreCheckoutQuery', fault, times: 1, seconds: 60 });
    const { result, ms } = await timed(async () => till.paid(await till.bill(anna)));
    expect(result).toMatch(/^stx/);
    expect(ms).toBeLessThan(8_000);
  }
  const said = (await answers(till)).filter(({ processed }) => processed);
  expect(said).toHaveLength(3);
});

test('a checkout that comes twice is answered once', async () => {
  const till = await openTill();
  const anna = await till.person();
  const bill = await till.bill(anna);
  const query = {
    id: '77',
    from: { id: anna.chatId },
    currency: 'XTR',
    total_amount: bill.stars,
    invoice_payload: bill.invoiceId,
  };
  await Promise.all([till.intake.checkouts.answer(query), till.intake.checkouts.answer(query)]);
  expect(await answers(till)).toHaveLength(1);
});
