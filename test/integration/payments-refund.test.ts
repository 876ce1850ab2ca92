import { expect, test } from 'vitest';
import type { TestPerson } from '../support/ledger.ts';
import { openTill, sale, type Till } from '../support/till.ts';
import { waitFor } from '../support/wait.ts';

async function bought(till: Till): Promise<{ anna: TestPerson; chargeId: string; before: number }> {
  const anna = await till.person();
  const { available: before } = await till.balance(anna);
  const chargeId = await till.paid(await till.bill(anna));
  await waitFor(async () => (await till.balance(anna)).available === before + sale.credits, { what: 'the credits' });
  return { anna, chargeId, before };
}

async function returned({ telegram }: Till): Promise<number> {
  const list = JSON.stringify((await telegram.dev('GET', 'transactions')).json);
  return list.split('"refund"').length - 1;
}

test('a refund takes the credits first and returns the Stars once, though its answer is lost', async () => {
  const till = await openTill();
  till.receiving();
  const { anna, chargeId, before } = await bought(till);
  expect(await till.beginRefund(chargeId, 'ticket-1')).toMatchObject({ outcome: 'intent', available: before });
  await till.telegram.dev('POST', 'faults', { method: 'refundStarPayment', fault: 'process-then-drop', times: 1 });
  await till.refundPayments();
  expect(await returned(till)).toBe(1);
  // Asked again, Telegram says that it did it already.
  await till.dueRefunds();
  await till.refundPayments();
  const calls = await till.telegram.journal('?method=refundStarPayment');
  expect(calls.length).toBeLessThanOrEqual(2);
  expect(await till.refundStates()).toEqual(['done']);
  expect(await returned(till)).toBe(1);
  expect((await till.balance(anna)).available).toBe(before);
  await waitFor(() => till.outcomes.some((one) => /^update (refund-confirmed|exists)$/.test(one)), {
    what: 'the update of the refund',
  });
  const told = await till.told(anna);
  expect(told.filter((one) => one.includes('went back to you'))).toHaveLength(1);
  expect(await till.beginRefund(chargeId, 'ticket-2')).toMatchObject({ outcome: 'exists' });
  expect(await till.ledger.violations()).toEqual([]);
});

test('without any update the answer of Telegram alone ends a refund', async () => {
  const till = await openTill();
  const stop = till.receiving();
  const { anna, chargeId, before } = await bought(till);
  await stop();
  await till.beginRefund(chargeId);
  await till.telegram.dev('POST', 'faults', { method: 'refundStarPayment', fault: 'process-then-drop', times: 1 });
  await till.refundPayments();
  expect(await till.refundStates()).toEqual(['intent']);
  await till.dueRefunds();
  await till.refundPayments();
  expect(await till.refundStates()).toEqual(['done']);
  expect((await till.telegram.journal('?method=refundStarPayment')).map(({ outcome }) => outcome)).toEqual([
    'dropped',
    'error',
  ]);
  expect(await returned(till)).toBe(1);
  expect((await till.balance(anna)).available).toBe(before);
  // The update comes after all, and the list has it too.
  till.receiving();
  await waitFor(() => till.outcomes.includes('update exists'), { what: 'the update of the refund' });
  expect(await till.reconcile()).toBe('whole');
  expect((await till.told(anna)).filter((one) => one.includes('went back to you'))).toHaveLength(1);
});

test('a refund that its update told of before the answer was written down is told once', async () => {
  const till = await openTill();
  till.receiving();
  const { anna, chargeId } = await bought(till);
  await till.beginRefund(chargeId);
  await till.refundPayments(async () => {
    await waitFor(() => till.outcomes.includes('update refund-confirmed'), { what: 'the update of the refund' });
  });
  expect(await till.refundStates()).toEqual(['done']);
  expect((await till.told(anna)).filter((one) => one.includes('went back to you'))).toHaveLength(1);
});

test('whatever else Telegram answers, it is asked again, and the credits stay taken', async () => {
  const till = await openTill();
  till.receiving();
  const faults = [
    { fault: '500' },
    { fault: 'drop' },
    { fault: '502-html' },
    { fault: '429', retry_after: 1 },
    { fault: '403' },
    { fault: '400:BALANCE_TOO_LOW' },
  ];
  for (const [round, fault] of faults.entries()) {
    const { anna, chargeId, before } = await bought(till);
    await till.beginRefund(chargeId);
    await till.telegram.dev('POST', 'faults', { method: 'refundStarPayment', times: 1, ...fault });
    await till.refundPayments();
    const done = Array.from({ length: round }, () => 'done');
    expect(await till.refundStates(), fault.fault).toEqual([...done, 'intent']);
    expect((await till.balance(anna)).available).toBe(before);
    // Not at once.
    expect(await till.refundPayments(), fault.fault).toBe(false);
    await till.dueRefunds();
    await till.refundPayments();
    expect(await till.refundStates(), fault.fault).toEqual([...done, 'done']);
  }
  expect(await returned(till)).toBe(faults.length);
});

test('a refund that Telegram refuses for good brings the credits back, and the person is told', async () => {
  const till = await openTill();
  till.receiving();
  const { anna, chargeId, before } = await bought(till);
  await till.beginRefund(chargeId);
  await till.telegram.dev('POST', 'faults', { method: 'refundStarPayment', fault: '400:CHARGE_NOT_FOUND', times: 1 });
  await till.refundPayments();
  expect(await till.refundStates()).toEqual(['refused']);
  expect((await till.balance(anna)).available).toBe(before + sale.credits);
  expect((await till.told(anna)).at(-1)).toMatch(/refused to return ⭐ 25.*10 credits are yours again/s);
  // Another order may try again.
  expect(await till.beginRefund(chargeId, 'another')).toMatchObject({ outcome: 'intent' });
  await till.refundPayments();
  expect(await till.refundStates()).toEqual(['refused', 'done']);
  expect(await till.ledger.violations()).toEqual([]);
});

test('credits that are spent are not given back as Stars', async () => {
  const till = await openTill();
  till.receiving();
  const { anna, chargeId } = await bought(till);
  await till.spend(anna, (await till.balance(anna)).available - 3);
  expect(await till.beginRefund(chargeId)).toMatchObject({ outcome: 'refused', because: 'spent' });
  expect(await till.refundPayments()).toBe(false);
});

test('two replicas ask for one refund once', async () => {
  const till = await openTill();
  till.receiving();
  const { chargeId } = await bought(till);
  await till.beginRefund(chargeId);
  await Promise.all([till.refundPayments(), till.refundPayments(), till.refundPayments()]);
  expect(await till.telegram.journal('?method=refundStarPayment')).toHaveLength(1);
  expect(await till.refundStates()).toEqual(['done']);
});

test('the Stars of a payment that is nobody’s can be given back, and the payer hears of it', async () => {
  const till = await openTill();
  const anna = await till.person();
  const chargeId = await till.chargeBlindly(await till.send(anna.chatId, 'a'.repeat(20), sale.stars));
  till.receiving();
  await waitFor(() => till.outcomes.includes('update unmatched'), { what: 'the unmatched payment' });
  expect(await till.beginRefund(chargeId)).toMatchObject({ outcome: 'intent' });
  await till.refundPayments();
  expect(await till.refundStates()).toEqual(['done']);
  expect((await till.told(anna)).at(-1)).toContain('⭐ 25 went back to you');
  expect(await till.ledger.violations()).toEqual([]);
});
