import { expect, test } from 'vitest';
import { paymentWords, refundWords, returnWords } from './star-words.ts';

const told = { stars: 25, spoken: 'ru', contact: '@human' } as const;
const nobody = { because: 'unknown-invoice', paymentId: 1, userId: null, credits: 0, available: 0, debt: 0, repaid: 0 };
const anna = {
  because: null,
  paymentId: 1,
  userId: 7,
  credits: 10,
  available: 4,
  debt: 0,
  repaid: 6,
  language: 'en',
} as const;

test('what was told before, and what an operator has to explain, is not told', () => {
  for (const outcome of ['exists', 'conflict'] as const) {
    expect(paymentWords({ outcome, ...anna }, told)).toEqual([]);
    expect(returnWords({ outcome, ...anna }, told)).toEqual([]);
  }
  expect(refundWords({ state: 'intent', ...anna, chatId: 1 }, told)).toEqual([]);
});

test('somebody we know reads their own language and balance, somebody else neither', () => {
  expect(JSON.stringify(returnWords({ outcome: 'refund-confirmed', ...anna }, told))).toMatch(/went back.*balance/);
  const words = JSON.stringify(returnWords({ outcome: 'unmatched', ...nobody, language: null }, told));
  expect(words).toContain('Вам вернулись ⭐ 25.');
  expect(words).not.toContain('Баланс');
});
