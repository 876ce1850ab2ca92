import type { CaptureReason, EndReason, FailureReason } from './reasons.ts';
import { CAPTURE_REASONS, END_REASONS, FAILURE_REASONS } from './reasons.ts';
import type { Condition, ConditionStatus, ConditionType } from './schema.ts';

type GenerationVerdict = Exclude<FailureReason, 'DeliveryFailed'>;
const GENERATION_VERDICTS = FAILURE_REASONS.filter(
  (reason): reason is GenerationVerdict => reason !== 'DeliveryFailed',
);

/** Every reason a condition may carry with a status. Nothing else is ever written. */
export const CONDITION_REASONS = {
  Generated: {
    Unknown: ['WaitingForCapacity', 'GenerationRunning', 'GenerationRetryPending', 'PodStartPending', 'Suspended'],
    True: ['VideoStored'],
    False: GENERATION_VERDICTS,
  },
  Delivered: {
    Unknown: [
      'AwaitingGeneration',
      'DeliveryRunning',
      'DeliveryRetryPending',
      'PodStartPending',
      'Suspended',
      'DeliveryUnconfirmed',
    ],
    True: ['VideoDelivered'],
    False: ['DeliveryFailed', 'NotAttempted', 'RecipientUnreachable'],
  },
  CreditsSettled: {
    Unknown: [],
    True: ['CreditsCaptured', 'CreditsRefunded', 'NoHold'],
    False: ['CreditsHeld'],
  },
  Finished: {
    Unknown: [],
    True: END_REASONS,
    False: ['WaitingForCapacity', 'Suspended', 'Generating', 'Delivering'],
  },
} as const satisfies Record<ConditionType, Record<ConditionStatus, readonly string[]>>;

type Reasons = typeof CONDITION_REASONS;

/** A condition before it has a time and a generation: only combinations of the table above type-check. */
export type ConditionState = {
  [T in ConditionType]: {
    [S in ConditionStatus]: { type: T; status: S; reason: Reasons[T][S][number]; message: string };
  }[ConditionStatus];
}[ConditionType];

export interface ConditionClock {
  /** RFC 3339; taken as lastTransitionTime where the status changes. */
  readonly now: string;
  readonly observedGeneration: number;
}

/**
 * Returns the conditions with one of them set. lastTransitionTime stays unless the status changes, as the API conventions
 * of Kubernetes demand. The order of conditions is kept; the same array content means nothing needs writing.
 */
export function setCondition(
  conditions: readonly Condition[],
  state: ConditionState,
  { now, observedGeneration }: ConditionClock,
): Condition[] {
  const previous = findCondition(conditions, state.type);
  const next: Condition = {
    type: state.type,
    status: state.status,
    reason: state.reason,
    message: state.message.slice(0, 1024),
    lastTransitionTime: previous?.status === state.status ? previous.lastTransitionTime : now,
    observedGeneration,
  };
  return previous === undefined
    ? [...conditions, next]
    : conditions.map((condition) => (condition.type === state.type ? next : condition));
}

/** Sets several conditions one after the other; see setCondition. */
export function setConditions(
  conditions: readonly Condition[],
  states: readonly ConditionState[],
  clock: ConditionClock,
): Condition[] {
  return states.reduce<Condition[]>((done, state) => setCondition(done, state, clock), [...conditions]);
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: ConditionType,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** True once `Finished` is True: the order is settled and nothing but observedGeneration will change. */
export function isFinished(conditions: readonly Condition[] | undefined): boolean {
  return findCondition(conditions, 'Finished')?.status === 'True';
}

const CAPTURED_ENDS: Record<CaptureReason, ConditionState> = {
  VideoDelivered: {
    type: 'Delivered',
    status: 'True',
    reason: 'VideoDelivered',
    message: 'The person sees the video in the chat.',
  },
  RecipientUnreachable: {
    type: 'Delivered',
    status: 'False',
    reason: 'RecipientUnreachable',
    message: 'The person cannot be reached; the video is kept and shown on their return.',
  },
  DeliveryUnconfirmed: {
    type: 'Delivered',
    status: 'Unknown',
    reason: 'DeliveryUnconfirmed',
    message: 'The video may be shown: an edit was begun and never answered. The person can have it sent again.',
  },
};

/**
 * The four conditions an order ends with, by its end reason: the table of the design, in one place. Only `Deleted` goes with
 * both outcomes: an order whose object was deleted over a stored video is captured, and an object restored from a backup says so.
 */
export function endConditions(
  reason: EndReason,
  message: string,
  outcome: 'captured' | 'released' = isCapture(reason) ? 'captured' : 'released',
): ConditionState[] {
  const isCaptured = outcome === 'captured';
  const stored = reason === 'DeliveryFailed' || isCapture(reason) || outcome === 'captured';
  const credits = isCaptured ? 'CreditsCaptured' : reason === 'ClaimRefused' ? 'NoHold' : 'CreditsRefunded';
  return [
    stored
      ? { type: 'Generated', status: 'True', reason: 'VideoStored', message: 'The video is stored.' }
      : { type: 'Generated', status: 'False', reason, message },
    isCaptured && !isCapture(reason) ? SHOWN_BY_THE_BOT : deliveredAtEnd(reason, message),
    { type: 'CreditsSettled', status: 'True', reason: credits, message: CREDIT_MESSAGES[credits] },
    { type: 'Finished', status: 'True', reason, message },
  ];
}

const SHOWN_BY_THE_BOT: ConditionState = {
  type: 'Delivered',
  status: 'Unknown',
  reason: 'DeliveryUnconfirmed',
  message: 'The video is stored, and the bot shows it itself.',
};

const CREDIT_MESSAGES = {
  CreditsCaptured: 'The held credits were captured.',
  CreditsRefunded: 'The held credits went back to the person.',
  NoHold: 'No credits were ever held for this object.',
} as const;

function deliveredAtEnd(reason: EndReason, message: string): ConditionState {
  if (isCapture(reason)) return CAPTURED_ENDS[reason];
  return reason === 'DeliveryFailed'
    ? { type: 'Delivered', status: 'False', reason, message }
    : { type: 'Delivered', status: 'False', reason: 'NotAttempted', message: 'There is no video to deliver.' };
}

function isCapture(reason: EndReason): reason is CaptureReason {
  return (CAPTURE_REASONS as readonly string[]).includes(reason);
}
