import type { FailureClass } from '../failure/classes.ts';
import type { RefundVerdict } from '../failure/telegram.ts';
import type { LabelsOf } from '../metrics/catalogue.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { RelayResult } from '../order/relay.ts';
import type { Database } from '../postgres/call.ts';
import type { CheckoutDesk } from './checkout.ts';
import { erasureAge } from './erasure.ts';
import type { Handled } from './handling.ts';
import { inboxDepth } from './inbox.ts';
import type { Intake } from './intake.ts';
import { reconciliationAge } from './reconciliation-row.ts';

type RequestLabels = LabelsOf<'neurocards_telegram_requests_total'>;

const classes: Readonly<Partial<Record<FailureClass, RequestLabels['class']>>> = {
  'delivery-flood': 'rate_limited',
  'delivery-network': 'network',
  'delivery-blocked': 'blocked',
  'delivery-gone': 'not_found',
  'delivery-token': 'auth',
  'delivery-size': 'bad_request',
  'delivery-file': 'bad_request',
};

const methods: readonly RequestLabels['method'][] = [
  'getUpdates',
  'sendMessage',
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
];

export interface BotMetrics {
  telegram: (method: string, outcome: 'ok' | FailureClass) => void;
  update: (handled: Handled) => void;
  relay: (result: RelayResult) => void;
  checkout: NonNullable<CheckoutDesk['onAnswer']>;
  booking: NonNullable<Intake['onBooked']>;
  refund: (answer: RefundVerdict) => void;
}

/** The bot's figures: what is counted here, and what is read from the tables at each scrape. */
export function createBotMetrics(metrics: Metrics, database: Database): BotMetrics {
  const requests = metrics.counter('neurocards_telegram_requests_total');
  const updates = metrics.counter('neurocards_telegram_updates_total');
  const relayed = metrics.counter('neurocards_relay_posts_total');
  const checkouts = metrics.counter('neurocards_checkouts_total');
  const bookings = metrics.counter('neurocards_payment_bookings_total');
  const refunds = metrics.counter('neurocards_payment_refund_answers_total');
  metrics.collect('neurocards_payment_reconciliation_age_seconds', async (gauge) => {
    gauge.set({}, await reconciliationAge(database));
  });
  metrics.collect('neurocards_inbox_oldest_seconds', async (gauge) => {
    gauge.set({}, (await inboxDepth(database)).oldest_seconds);
  });
  metrics.collect('neurocards_erasure_oldest_seconds', async (gauge) => {
    gauge.set({}, await erasureAge(database));
  });
  return {
    telegram(method, outcome) {
      const known = methods.find((one) => one === method) ?? 'other';
      requests.inc({ method: known, class: outcome === 'ok' ? 'ok' : (classes[outcome] ?? 'other') });
    },
    update(handled) {
      if (handled === 'handled' || handled === 'failed' || handled === 'ignored') updates.inc({ result: handled });
    },
    checkout: (answer) => checkouts.inc({ answer }),
    booking: (source, outcome) => bookings.inc({ source, outcome }),
    refund: (answer) => refunds.inc({ answer }),
    relay(result) {
      if (result !== 'overdue') relayed.inc({ result });
    },
  };
}
