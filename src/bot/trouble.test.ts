import { expect, test } from 'vitest';
import { failureClasses, policyOf } from '../failure/classes.ts';
import { FAILURE_REASONS } from '../videojob/reasons.ts';
import { isWorthRepeating, troubleOf } from './trouble.ts';

const blaming = ['person', 'minor', 'policy', 'brand', 'prompt', 'photo'];

test('every reason of a failed order has words, with any class and with none', () => {
  for (const reason of FAILURE_REASONS) {
    for (const failure of [null, 'not-a-class', ...failureClasses]) expect(troubleOf(reason, failure)).toBeTruthy();
  }
});

test('nobody is blamed without an explicit verdict', () => {
  for (const reason of FAILURE_REASONS.filter(
    (one) => !['ContentRejected', 'PhotoUnsuitable', 'PromptRejected'].includes(one),
  )) {
    for (const failure of [null, ...failureClasses]) expect(blaming).not.toContain(troubleOf(reason, failure));
  }
});

test('a verdict is told in the words of its class', () => {
  for (const failure of failureClasses) {
    const { fault, textKey, finishedReason } = policyOf(failure);
    if (fault === 'user') expect(troubleOf(finishedReason, failure)).toBe(textKey);
  }
  expect(troubleOf('ContentRejected', null)).toBe('policy');
  expect(troubleOf('a reason of a later release', null)).toBe('failed');
});

test('only what may work another time is offered again', () => {
  expect(isWorthRepeating('person')).toBe(false);
  expect(isWorthRepeating('technical')).toBe(true);
  expect(isWorthRepeating('cancelled')).toBe(true);
});
