/**
 * Every reason an order can end without a shown video, declared once: the ledger's `close_order`, the conditions of the
 * VideoJob, the metrics and the texts all use these words. The meaning is what an SRE reads in the reference.
 */
export const FAILURE_MEANINGS = {
  ContentRejected: 'The provider refused the content: a person in the photo, a brand, or its policy.',
  PhotoUnsuitable: 'The photo itself cannot be used: unreadable, too small, too large or of a wrong kind.',
  PromptRejected: "The provider refused the words of the prompt, or they break the model's limits.",
  GenerationFailed: 'The last allowed paid task failed for certain, or the fifth execution of one attempt crashed.',
  PodStartFailed: 'No pod of the generation ever started before the generation clock ended.',
  ProviderUnavailable: 'Nothing could be submitted to the provider before the generation clock ended.',
  ProviderOutcomeUnknown: 'A task may have been submitted, and nobody learned of it before the generation clock ended.',
  GenerationDeadlineExceeded:
    'The provider had accepted the task and did not finish it before the generation clock ended.',
  WaitedTooLong: 'The order was not admitted to generation within its queue time.',
  Cancelled: 'The person, or an operator, cancelled the order before anything was paid.',
  Deleted: 'The VideoJob was deleted before a video was stored.',
  InvalidSpec: 'The API server refused the VideoJob, or its spec could not be read.',
  DeliveryFailed: 'The video is stored, and every way to show it was refused; the credits came back.',
  ClaimRefused: 'The VideoJob belongs to no open order of ours: nothing was paid, nothing was sent.',
} as const;

export type FailureReason = keyof typeof FAILURE_MEANINGS;

/** Why an order ended with its credits captured. */
export const CAPTURE_MEANINGS = {
  VideoDelivered: 'The person sees the video in the chat.',
  RecipientUnreachable: 'The video is stored; the person blocked the bot or left, and sees it free on their return.',
  DeliveryUnconfirmed:
    'The video may be shown: an edit was begun and never answered. The person can have it sent again.',
} as const;

export type CaptureReason = keyof typeof CAPTURE_MEANINGS;

/** The reason of `Finished` when it is True. */
export type EndReason = FailureReason | CaptureReason;

export const FAILURE_REASONS = Object.keys(FAILURE_MEANINGS) as FailureReason[];
export const CAPTURE_REASONS = Object.keys(CAPTURE_MEANINGS) as CaptureReason[];
export const END_REASONS: readonly EndReason[] = [...CAPTURE_REASONS, ...FAILURE_REASONS];

/** Tells whether a word, for example from a database row, is one of the declared failure reasons. */
export function isFailureReason(word: string): word is FailureReason {
  return Object.hasOwn(FAILURE_MEANINGS, word);
}

/** Tells whether a word is a reason with which an order may end, captured or not. */
export function isEndReason(word: string): word is EndReason {
  return isFailureReason(word) || Object.hasOwn(CAPTURE_MEANINGS, word);
}
