import { expect, test } from 'vitest';
import {
  CONDITION_REASONS,
  endConditions,
  findCondition,
  isFinished,
  setCondition,
  setConditions,
} from './conditions.ts';
import { END_REASONS } from './reasons.ts';

const early = { now: '2026-01-01T00:00:00Z', observedGeneration: 1 };
const late = { now: '2026-01-01T00:01:00Z', observedGeneration: 2 };

test('lastTransitionTime stays while the status stays, and moves with it', () => {
  const running = { type: 'Generated', status: 'Unknown', reason: 'GenerationRunning', message: '' } as const;
  const first = setCondition([], { ...running, reason: 'WaitingForCapacity' }, early);
  const second = setCondition(first, running, late);
  expect(second).toEqual([{ ...running, lastTransitionTime: early.now, observedGeneration: 2 }]);
  const stored = setCondition(second, { type: 'Generated', status: 'True', reason: 'VideoStored', message: '' }, late);
  expect(findCondition(stored, 'Generated')?.lastTransitionTime).toBe(late.now);
});

test.each([
  ['VideoDelivered', ['True VideoStored', 'True VideoDelivered', 'True CreditsCaptured']],
  ['RecipientUnreachable', ['True VideoStored', 'False RecipientUnreachable', 'True CreditsCaptured']],
  ['DeliveryUnconfirmed', ['True VideoStored', 'Unknown DeliveryUnconfirmed', 'True CreditsCaptured']],
  ['DeliveryFailed', ['True VideoStored', 'False DeliveryFailed', 'True CreditsRefunded']],
  ['PhotoUnsuitable', ['False PhotoUnsuitable', 'False NotAttempted', 'True CreditsRefunded']],
  ['ClaimRefused', ['False ClaimRefused', 'False NotAttempted', 'True NoHold']],
] as const)('an order that ends with %s has exactly these conditions', (reason, expected) => {
  const conditions = endConditions(reason, 'x').map(({ status, reason: why }) => `${status} ${why}`);
  expect(conditions).toEqual([...expected, `True ${reason}`]);
});

test('every end uses only reasons of the table, and is finished', () => {
  for (const end of END_REASONS) {
    const states = endConditions(end, '');
    for (const { type, status, reason } of states) {
      const allowed: readonly string[] = CONDITION_REASONS[type][status];
      expect(allowed, `${type} ${status} at ${end}`).toContain(reason);
    }
    expect(isFinished(setConditions([], states, early))).toBe(true);
  }
});
