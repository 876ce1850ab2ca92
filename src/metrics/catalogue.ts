import { CAPTURE_REASONS, END_REASONS, FAILURE_REASONS } from '../videojob/reasons.ts';

/** How a label is kept bounded: its closed list, or `open` where few values can occur and none comes from outside. */
export type LabelValues = readonly string[] | 'open';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly buckets?: readonly number[];
}

const define = <const T extends Record<string, MetricDefinition>>(table: T): T => table;

const REQUEST_CLASSES = [
  'ok',
  'content',
  'rate_limited',
  'unavailable',
  'balance',
  'auth',
  'bad_request',
  'not_found',
  'blocked',
  'timeout',
  'network',
  'unreadable',
  'other',
] as const;

const WORK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;

/** Stages an open order is in, for the oldest of each. */
export const ORDER_STAGES = ['unclaimed', 'queue', 'generation', 'delivery'] as const;

/** Every metric of every process. The reference in docs and the names the alerts may use are made from this table. */
export const CATALOGUE = define({
  neurocards_videojobs: {
    type: 'gauge',
    help: 'VideoJobs the controller sees, by the reason of their Finished condition (Unseen: no status yet).',
    labels: {
      reason: ['Unseen', 'WaitingForCapacity', 'Suspended', 'Generating', 'Delivering', ...END_REASONS],
    },
  },
  neurocards_orders_open: {
    type: 'gauge',
    help: 'Orders in the ledger that are not settled, by stage.',
    labels: { stage: ORDER_STAGES },
  },
  neurocards_order_oldest_open_seconds: {
    type: 'gauge',
    help: 'Age of the oldest order that is open in this stage; 0 when there is none.',
    labels: { stage: ORDER_STAGES },
  },
  neurocards_order_oldest_unsettled_seconds: {
    type: 'gauge',
    help: 'Age of the oldest order whose credits are held although its end is decided or its clock has run out.',
    labels: {},
  },
  neurocards_orders_settled: {
    type: 'gauge',
    help: 'Orders settled so far, counted from the ledger, by how and why.',
    labels: { outcome: ['captured', 'released'], reason: [...CAPTURE_REASONS, ...FAILURE_REASONS] },
  },
  neurocards_ledger_violations: {
    type: 'gauge',
    help: 'Rows that broke an invariant of the ledger at the last audit, by invariant; anything above 0 is an alarm.',
    // The names of the audit view's rows: a handful, ours, never from outside.
    labels: { invariant: 'open' },
  },
  neurocards_audit_mode: {
    type: 'gauge',
    help: '1 while nothing new begins, because PostgreSQL or the cluster forgot something; ended by an operator.',
    labels: {},
  },
  neurocards_audit_last_timestamp_seconds: {
    type: 'gauge',
    help: 'When the leading controller last compared books and VideoJobs, as a Unix time; 0 when it never did.',
    labels: {},
  },
  neurocards_audit_differences: {
    type: 'gauge',
    help: 'Differences between books and VideoJobs at the last audit, by kind.',
    labels: {
      kind: [
        'order-without-object',
        'order-unposted',
        'object-without-order',
        'order-forgotten',
        'settlement-forgotten',
        'task-forgotten',
        'settlement-unseen',
      ],
    },
  },
  neurocards_audit_unsettled_seconds: {
    type: 'gauge',
    help: 'At the last audit: how long the oldest order has been due to end and is not settled, by the reason it would end with.',
    labels: { cause: [...CAPTURE_REASONS, ...FAILURE_REASONS] },
  },
  neurocards_attempts: {
    type: 'gauge',
    help: 'Paid provider tasks, counted from their rows, by state.',
    labels: { state: ['ready', 'intent', 'unknown', 'accepted', 'succeeded', 'failed', 'rejected', 'abandoned'] },
  },
  neurocards_deliveries: {
    type: 'gauge',
    help: 'Deliveries, counted from their rows, by state.',
    labels: { state: ['pending', 'editing', 'shown', 'refused', 'waiting', 'uncertain'] },
  },
  neurocards_ledger_credits: {
    type: 'gauge',
    help: 'Credits in the ledger: granted, bought, captured, refunded, charged back and written off so far; held, available and owed now.',
    labels: { kind: 'open' },
  },
  neurocards_payments_unmatched: {
    type: 'gauge',
    help: "Payments that are nobody's, or that were told of in two ways, and that no operator has resolved; anything above 0 is an alarm.",
    labels: {},
  },
  neurocards_payment_refunds_pending: {
    type: 'gauge',
    help: 'Refunds of payments whose credits have left and that Telegram has not confirmed.',
    labels: {},
  },
  neurocards_payment_refund_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest refund that Telegram has not confirmed; 0 when there is none.',
    labels: {},
  },
  neurocards_runner_requests: {
    type: 'gauge',
    help: 'Requests that runner pods made, summed from their rows; it only rises, so increase() may be used on it.',
    labels: { target: 'open', operation: 'open', class: 'open' },
  },
  neurocards_claims_refused_total: {
    type: 'counter',
    help: 'VideoJobs that are the work order of no open hold: made by hand, altered, or standing in the way of a true one.',
    labels: { reason: ['UnknownOrder', 'OtherClaimant', 'OtherContent'] },
  },
  neurocards_telegram_requests_total: {
    type: 'counter',
    help: 'Requests to the Telegram Bot API, by method and class of the answer.',
    labels: {
      method: [
        'getUpdates',
        'sendMessage',
        'sendPhoto',
        'sendVideo',
        'editMessageText',
        'editMessageMedia',
        'editMessageReplyMarkup',
        'answerCallbackQuery',
        'answerPreCheckoutQuery',
        'sendInvoice',
        'refundStarPayment',
        'getStarTransactions',
        'getFile',
        'download',
        'other',
      ],
      class: REQUEST_CLASSES,
    },
  },
  neurocards_telegram_updates_total: {
    type: 'counter',
    help: 'Telegram updates handled, by what became of them.',
    labels: { result: ['handled', 'failed', 'ignored'] },
  },
  neurocards_checkouts_total: {
    type: 'counter',
    help: 'Questions of Telegram whether a bill may be paid, by our answer; unanswered ones charge nothing either.',
    labels: {
      answer: [
        'ok',
        'unknown-invoice',
        'paid',
        'expired',
        'other-person',
        'other-amount',
        'other-currency',
        'banned',
        'unavailable',
        'unanswered',
      ],
    },
  },
  neurocards_payment_bookings_total: {
    type: 'counter',
    help: 'Payments and returns of Stars that were heard of, by where and by what became of them; a failed one is told again.',
    labels: {
      source: ['update', 'reconciliation'],
      outcome: ['booked', 'exists', 'unmatched', 'conflict', 'refund-confirmed', 'charged-back', 'failed'],
    },
  },
  neurocards_payment_refund_answers_total: {
    type: 'counter',
    help: 'Answers of Telegram to refunds of ours; later means that it is asked again.',
    labels: { answer: ['done', 'refused', 'later'] },
  },
  neurocards_payment_reconciliation_age_seconds: {
    type: 'gauge',
    help: 'Time since Telegram’s list of Star transactions was last followed to its end.',
    labels: {},
  },
  neurocards_inbox_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest stored update that nobody handled yet; 0 when there is none.',
    labels: {},
  },
  neurocards_erasure_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest VideoJob, photo or video of a forgotten person that is still to go; 0 when there is none.',
    labels: {},
  },
  neurocards_notices_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest notice that a person has not been sent yet; 0 when there is none.',
    labels: {},
  },
  neurocards_relay_posts_total: {
    type: 'counter',
    help: 'Posts of VideoJobs to the API server, by what came of them.',
    labels: { result: ['created', 'exists', 'invalid', 'conflict', 'failed'] },
  },
  neurocards_reconcile_total: {
    type: 'counter',
    help: 'Passes of the controller over a VideoJob, by result.',
    labels: { result: ['ok', 'conflict', 'stale', 'error'] },
  },
  neurocards_reconcile_seconds: {
    type: 'histogram',
    help: 'Time of one pass of the controller.',
    labels: {},
    buckets: WORK_BUCKETS,
  },
  neurocards_events_total: {
    type: 'counter',
    help: 'Kubernetes events, by whether the API server took them. A refused one is never repeated.',
    labels: { result: ['recorded', 'refused'] },
  },
  neurocards_leader: {
    type: 'gauge',
    help: '1 while this process holds the lease.',
    labels: {},
  },
  neurocards_reflector_relists_total: {
    type: 'counter',
    help: 'Times a watched resource had to be listed again, by cause.',
    labels: { resource: ['videojobs', 'jobs'], reason: ['start', 'expired', 'resync'] },
  },
  neurocards_reflector_watch_restarts_total: {
    type: 'counter',
    help: 'Times a watch was opened again, by how the last one ended.',
    labels: {
      resource: ['videojobs', 'jobs'],
      reason: ['closed', 'idle', 'network', 'throttled', 'refused', 'error_event'],
    },
  },
  neurocards_reflector_last_activity_timestamp_seconds: {
    type: 'gauge',
    help: 'When the API server last said anything about this resource (Unix time).',
    labels: { resource: ['videojobs', 'jobs'] },
  },
  neurocards_reflector_objects: {
    type: 'gauge',
    help: 'Objects in the cache.',
    labels: { resource: ['videojobs', 'jobs'] },
  },
  workqueue_depth: { type: 'gauge', help: 'Current depth of the work queue.', labels: { name: 'open' } },
  workqueue_adds_total: { type: 'counter', help: 'Adds handled by the work queue.', labels: { name: 'open' } },
  workqueue_retries_total: { type: 'counter', help: 'Retries handled by the work queue.', labels: { name: 'open' } },
  workqueue_queue_duration_seconds: {
    type: 'histogram',
    help: 'How long an item stays in the queue before it is worked on.',
    labels: { name: 'open' },
    buckets: WORK_BUCKETS,
  },
  workqueue_work_duration_seconds: {
    type: 'histogram',
    help: 'How long working on an item takes.',
    labels: { name: 'open' },
    buckets: WORK_BUCKETS,
  },
  workqueue_unfinished_work_seconds: {
    type: 'gauge',
    help: 'Seconds of work in progress that work_duration has not seen yet; a growing number is a stuck worker.',
    labels: { name: 'open' },
  },
  workqueue_longest_running_processor_seconds: {
    type: 'gauge',
    help: 'Age of the longest running work on an item.',
    labels: { name: 'open' },
  },
  rest_client_requests_total: {
    type: 'counter',
    help: 'Requests to the API server, by status code (<error> where none came), method and host.',
    labels: { code: 'open', method: 'open', host: 'open' },
  },
  rest_client_request_duration_seconds: {
    type: 'histogram',
    help: 'Time of requests to the API server, by verb; watches are not counted.',
    labels: { verb: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'] },
    buckets: REQUEST_BUCKETS,
  },
});

export type MetricName = keyof typeof CATALOGUE;
type TypeOf<N extends MetricName> = (typeof CATALOGUE)[N]['type'];
export type NamesOf<T extends MetricDefinition['type']> = {
  [N in MetricName]: TypeOf<N> extends T ? N : never;
}[MetricName];
type ValueOf<L> = L extends readonly (infer V)[] ? V : string;

/** The labels of a metric with their closed values, for calls. */
export type LabelsOf<N extends MetricName> = {
  [L in keyof (typeof CATALOGUE)[N]['labels']]: ValueOf<(typeof CATALOGUE)[N]['labels'][L]>;
};
