import { type FailureClass, failureClasses, policyOf } from '../failure/classes.ts';
import type { Trouble } from '../texts/catalog.ts';
import { type FailureReason, isFailureReason } from '../videojob/reasons.ts';

/** What a reason means to the person when no class of failure says more. */
const byReason: Readonly<Record<FailureReason, Trouble>> = {
  ContentRejected: 'policy',
  PhotoUnsuitable: 'photo',
  PromptRejected: 'prompt',
  GenerationFailed: 'failed',
  PodStartFailed: 'technical',
  ProviderUnavailable: 'technical',
  ProviderOutcomeUnknown: 'unknown-outcome',
  GenerationDeadlineExceeded: 'too-slow',
  WaitedTooLong: 'waited',
  Cancelled: 'cancelled',
  Deleted: 'removed',
  InvalidSpec: 'technical',
  DeliveryFailed: 'delivery',
  ClaimRefused: 'technical',
};

const verdicts: ReadonlySet<string> = new Set(['ContentRejected', 'PhotoUnsuitable', 'PromptRejected']);

/** What went wrong, as the person is told. Only an explicit verdict is ever called their fault. */
export function troubleOf(reason: string, failureClass: string | null): Trouble {
  if (!isFailureReason(reason)) return 'failed';
  const known = failureClasses.find((one) => one === failureClass);
  return verdicts.has(reason) && known !== undefined && isUsers(known) ? policyOf(known).textKey : byReason[reason];
}

function isUsers(failure: FailureClass): boolean {
  return policyOf(failure).fault === 'user';
}

/** Whether the same photo and words may well work another time. */
export function isWorthRepeating(trouble: Trouble): boolean {
  return !['person', 'minor', 'policy', 'brand', 'prompt', 'photo'].includes(trouble);
}
