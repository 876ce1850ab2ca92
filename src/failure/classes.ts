/**
 * Every class of trouble there is. The list is closed: the database holds these words too.
 * `src/failure/kie.ts` and `src/failure/telegram.ts` map what was seen to a class; the class alone decides the rest.
 */
export const failureClasses = [
  'user-person',
  'user-minor',
  'user-policy',
  'user-brand',
  'user-prompt',
  'user-photo',
  'operator-balance',
  'operator-key',
  'operator-model',
  'operator-request',
  'operator-url',
  'provider-rate',
  'provider-busy',
  'provider-internal',
  'provider-timeout',
  'provider-lost',
  'ambiguous',
  'delivery-blocked',
  'delivery-gone',
  'delivery-flood',
  'delivery-network',
  'delivery-size',
  'delivery-file',
  'delivery-token',
] as const;

export type FailureClass = (typeof failureClasses)[number];

/** Whose fault it is; 'nobody' means that nobody can know what happened. */
export type Fault = 'user' | 'operator' | 'provider' | 'nobody' | 'delivery';

/**
 * What may be tried again.
 * - 'none': nothing; the verdict is final.
 * - 'resubmit': the very same call, once the cause is gone; nothing was made by it.
 * - 'new-task': after a confirmed failure of a task, another paid task (a refused submit of this class is simply repeated).
 * - 'poll': never another task; only look again until the deadline.
 */
export type Retry = 'none' | 'resubmit' | 'new-task' | 'poll';

/** Which text the person reads; the words are in `src/texts/`. */
export type FailureTextKey = 'person' | 'minor' | 'policy' | 'brand' | 'prompt' | 'photo' | 'technical' | 'failed';

/** The reasons of a finished VideoJob that a class can lead to (a subset of the reasons in `src/videojob/`). */
export type FailureReason =
  | 'ContentRejected'
  | 'PhotoUnsuitable'
  | 'PromptRejected'
  | 'GenerationFailed'
  | 'ProviderUnavailable'
  | 'ProviderOutcomeUnknown'
  | 'DeliveryFailed'
  | 'RecipientUnreachable';

export type FailurePolicy = {
  readonly fault: Fault;
  readonly retry: Retry;
  /** Whether an operator must hear of a single occurrence (rates are alerted by metrics). */
  readonly alert: boolean;
  readonly textKey: FailureTextKey;
  /** The VideoJob's reason when the order ends because of this class. */
  readonly finishedReason: FailureReason;
};

function user(textKey: FailureTextKey, finishedReason: FailureReason): FailurePolicy {
  return { fault: 'user', retry: 'none', alert: false, textKey, finishedReason };
}

const operator: FailurePolicy = {
  fault: 'operator',
  retry: 'resubmit',
  alert: true,
  textKey: 'technical',
  finishedReason: 'ProviderUnavailable',
};

/** What each class means for retries, alerts, the person's text and the VideoJob's reason. */
export const failurePolicies: Readonly<Record<FailureClass, FailurePolicy>> = {
  'user-person': user('person', 'ContentRejected'),
  'user-minor': user('minor', 'ContentRejected'),
  'user-policy': user('policy', 'ContentRejected'),
  'user-brand': user('brand', 'ContentRejected'),
  'user-prompt': user('prompt', 'PromptRejected'),
  'user-photo': user('photo', 'PhotoUnsuitable'),
  'operator-balance': operator,
  'operator-key': operator,
  'operator-model': operator,
  'operator-request': operator,
  'operator-url': operator,
  'provider-rate': {
    fault: 'provider',
    retry: 'resubmit',
    alert: false,
    textKey: 'failed',
    finishedReason: 'ProviderUnavailable',
  },
  'provider-busy': {
    fault: 'provider',
    retry: 'new-task',
    alert: false,
    textKey: 'failed',
    finishedReason: 'GenerationFailed',
  },
  'provider-internal': {
    fault: 'provider',
    retry: 'new-task',
    alert: false,
    textKey: 'failed',
    finishedReason: 'GenerationFailed',
  },
  'provider-timeout': {
    fault: 'nobody',
    retry: 'poll',
    alert: false,
    textKey: 'failed',
    finishedReason: 'GenerationFailed',
  },
  'provider-lost': {
    fault: 'nobody',
    retry: 'poll',
    alert: true,
    textKey: 'failed',
    finishedReason: 'GenerationFailed',
  },
  ambiguous: {
    fault: 'nobody',
    retry: 'poll',
    alert: true,
    textKey: 'failed',
    finishedReason: 'ProviderOutcomeUnknown',
  },
  'delivery-blocked': delivery('none', false, 'RecipientUnreachable'),
  'delivery-gone': delivery('none', false, 'RecipientUnreachable'),
  'delivery-flood': delivery('resubmit', false, 'DeliveryFailed'),
  'delivery-network': delivery('resubmit', false, 'DeliveryFailed'),
  'delivery-size': delivery('none', true, 'DeliveryFailed'),
  'delivery-file': delivery('none', true, 'DeliveryFailed'),
  'delivery-token': delivery('resubmit', true, 'DeliveryFailed'),
};

function delivery(retry: Retry, alert: boolean, finishedReason: FailureReason): FailurePolicy {
  return { fault: 'delivery', retry, alert, textKey: 'failed', finishedReason };
}

/** The policy of a class. */
export function policyOf(failure: FailureClass): FailurePolicy {
  return failurePolicies[failure];
}

/** Tells whether a word, for example from a database row, is one of the classes. */
export function isFailureClass(word: string): word is FailureClass {
  return Object.hasOwn(failurePolicies, word);
}
