/*
 * The rows of the ledger's tables as the model keeps them: the columns' names in camel case, instants as milliseconds.
 */

export type AttemptState =
  | 'ready'
  | 'intent'
  | 'unknown'
  | 'accepted'
  | 'succeeded'
  | 'failed'
  | 'rejected'
  | 'abandoned';
export type DeliveryState = 'pending' | 'editing' | 'shown' | 'refused' | 'waiting' | 'uncertain';
export type Stage = 'generation' | 'delivery';
type Instant = number;

export interface Settings {
  welcomeCredits: number;
  unitPrice: number;
  openOrderLimit: number;
  liveAttemptLimit: number;
  acceptingOrders: boolean;
  usualSeconds: number;
}

export interface PersonRow {
  readonly userId: number;
  readonly telegramId: number;
  language: string;
  seenAt: Instant;
  unreachableSince: Instant | null;
  consentedAt: Instant | null;
  consentVersion: string | null;
  bannedAt: Instant | null;
  readonly referralCode: string;
}

export interface AccountRow {
  readonly accountId: string;
  readonly userId: number | null;
  balance: number;
  freeBalance: number;
  version: number;
}

export interface TransferRow {
  readonly transferId: number;
  readonly idempotencyKey: string;
  readonly kind: string;
  readonly userId: number;
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly freeAmount: number;
  readonly orderId: string | null;
}

export interface HoldRow {
  readonly orderId: string;
  readonly userId: number;
  readonly amount: number;
  readonly freeAmount: number;
  state: 'held' | 'captured' | 'released';
  reason: string | null;
  heldAt: Instant;
  settledAt: Instant | null;
}

export interface GroupRow {
  readonly groupId: number;
  readonly userId: number;
  readonly nonce: string;
  readonly requestHash: string;
  readonly count: number;
  readonly unitPrice: number;
  readonly total: number;
  readonly refused: string | null;
}

export interface OrderRow {
  readonly orderId: string;
  readonly groupId: number;
  readonly position: number;
  readonly userId: number;
  readonly credits: number;
  readonly chatId: number;
  messageId: number | null;
  readonly language: string;
  readonly template: string;
  readonly productText: string;
  readonly wishes: string | null;
  readonly photoKey: string;
  readonly repeats: string | null;
  readonly videoJob: string;
  readonly specHash: string;
  readonly provider: string;
  readonly model: string;
  readonly seconds: number;
  readonly aspectRatio: string;
  readonly audio: boolean;
  readonly maxAttempts: number;
  readonly queueSeconds: number;
  readonly generationSeconds: number;
  readonly furtherTaskSeconds: number;
  readonly deliveryMinExecutions: number;
  readonly deliveryExecutionSeconds: number;
  readonly deliverySeconds: number;
  placedAt: Instant;
  claimedBy: string | null;
  claimedAt: Instant | null;
  admittedAt: Instant | null;
  slowNotedAt: Instant | null;
  relayTries: number;
  relayDueAt: Instant;
  lookedAt: Instant;
  /** Null until it first changed: `order_changes`. */
  changedAt: Instant | null;
}

export interface PauseRow {
  readonly orderId: string;
  readonly cause: 'suspended' | 'retry-after';
  lower: Instant;
  upper: Instant | null;
}

export interface ExecutionRow {
  readonly orderId: string;
  readonly stage: Stage;
  readonly n: number;
  readonly executor: string;
  readonly attemptN: number | null;
  openedAt: Instant;
  leasedAt: Instant | null;
  endedAt: Instant | null;
  endCause: string | null;
}

export interface SubmitNonceRow {
  readonly nonce: string;
  readonly attemptId: number | null;
  answer: 'accepted' | 'refused' | 'unknown' | null;
  answeredAt: Instant | null;
  taskId: string | null;
}

export interface VideoColumns {
  videoKey: string | null;
  videoSha256: string | null;
  videoBytes: number | null;
  videoSeconds: number | null;
  videoWidth: number | null;
  videoHeight: number | null;
}

export interface AttemptRow extends VideoColumns {
  readonly attemptId: number;
  readonly orderId: string;
  readonly n: number;
  state: AttemptState;
  fence: number;
  leaseOwner: string | null;
  leaseExecution: number;
  leaseUntil: Instant | null;
  notBefore: Instant | null;
  submitNonce: string | null;
  taskId: string | null;
  prompt: string | null;
  promptSource: string | null;
  photoUrl: string | null;
  photoUrlUntil: Instant | null;
  providerState: string | null;
  openedAt: Instant;
  acceptedAt: Instant | null;
  endedAt: Instant | null;
  failureClass: string | null;
  failureMessage: string | null;
  followDueAt: Instant | null;
  followUntil: Instant | null;
  followed: string | null;
}

export interface DeliveryRow {
  readonly orderId: string;
  state: DeliveryState;
  fence: number;
  leaseOwner: string | null;
  leaseExecution: number;
  leaseUntil: Instant | null;
  notBefore: Instant | null;
  openedAt: Instant;
  refusedAt: Instant | null;
  failureClass: string | null;
  shownAt: Instant | null;
  shownMessageId: number | null;
  fileId: string | null;
  askedAt: Instant | null;
  showingOwner: string | null;
  showingUntil: Instant | null;
  showingTries: number;
  showingDueAt: Instant | null;
}

export interface EditRow {
  readonly nonce: string;
  readonly orderId: string | null;
  readonly kind: 'edit' | 'showing' | 'void';
  readonly fence: number | null;
  begunAt: Instant;
  answer: 'shown' | 'refused' | 'unknown' | null;
  meaning: string | null;
  failureClass: string | null;
  answeredAt: Instant | null;
}

export interface NoticeRow {
  readonly noticeId: number;
  readonly orderId: string;
  readonly chatId: number;
  readonly kind: string;
  readonly fact: Readonly<Record<string, unknown>>;
  writtenAt: Instant;
  dueAt: Instant;
  leaseOwner: string | null;
  leaseUntil: Instant | null;
  endedAt: Instant | null;
  ending: string | null;
}

export interface HintRow {
  readonly nonce: string;
  readonly taskId: string;
  notedAt: Instant;
  dueAt: Instant;
  tries: number;
  verdict: 'ours' | 'foreign' | null;
}
