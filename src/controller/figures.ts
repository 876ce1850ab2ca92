import type { StoredVideoJob } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import { type Figures, readFigures } from '../ledger/audit.ts';
import { ORDER_STAGES } from '../metrics/catalogue.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Database } from '../postgres/call.ts';
import { CONDITION_REASONS, findCondition } from '../videojob/conditions.ts';
import { parseVideoJobStatus } from '../videojob/parse.ts';

/** One scrape asks many gauges; they share one reading of the ledger. */
const readingLivesMs = 1_000;
/** A reading counts all settled orders and transfers: at most one part in so many of the time goes into it, however many there are. */
const readingShare = 20;

/** Gauges of the truth: read from the ledger and the cache at scrape time, so that a restart cannot skew them. */
export function exportFigures(metrics: Metrics, database: Database, store: Store<StoredVideoJob>): void {
  const read = shared(() => readFigures(database));
  metrics.collect('neurocards_videojobs', (gauge) => {
    for (const [reason, count] of countReasons(store)) gauge.set({ reason }, count);
  });
  metrics.collect('neurocards_orders_open', async (gauge) => {
    const { open } = await read();
    for (const stage of ORDER_STAGES) gauge.set({ stage }, open[rowStages[stage]]);
  });
  metrics.collect('neurocards_order_oldest_open_seconds', async (gauge) => {
    const { oldestOpenSeconds } = await read();
    for (const stage of ORDER_STAGES) gauge.set({ stage }, oldestOpenSeconds[rowStages[stage]]);
  });
  metrics.collect('neurocards_orders_settled', async (gauge) => {
    for (const { count, ...labels } of (await read()).settled) gauge.set(labels, count);
  });
  metrics.collect('neurocards_attempts', async (gauge) => {
    for (const { state, count } of (await read()).attempts) gauge.set({ state }, count);
  });
  metrics.collect('neurocards_deliveries', async (gauge) => {
    for (const { state, count } of (await read()).deliveries) gauge.set({ state }, count);
  });
  metrics.collect('neurocards_order_oldest_unsettled_seconds', async (gauge) => {
    gauge.set({}, (await read()).oldestUnsettledSeconds);
  });
  metrics.collect('neurocards_notices_oldest_seconds', async (gauge) => {
    gauge.set({}, (await read()).oldestNoticeSeconds);
  });
  metrics.collect('neurocards_runner_requests', async (gauge) => {
    for (const { count, ...labels } of (await read()).requests) gauge.set(labels, count);
  });
  metrics.collect('neurocards_payments_unmatched', async (gauge) => {
    gauge.set({}, (await read()).payments.unmatched);
  });
  metrics.collect('neurocards_payment_refunds_pending', async (gauge) => {
    gauge.set({}, (await read()).payments.refundsPending);
  });
  metrics.collect('neurocards_payment_refund_oldest_seconds', async (gauge) => {
    gauge.set({}, (await read()).payments.oldestRefundSeconds);
  });
  metrics.collect('neurocards_ledger_credits', async (gauge) => {
    for (const [kind, amount] of Object.entries((await read()).credits)) gauge.set({ kind }, amount);
  });
}

/** What the ledger calls the stages. */
const rowStages = { unclaimed: 'relay', queue: 'queue', generation: 'generation', delivery: 'delivery' } as const;

type FinishedReason =
  | (typeof CONDITION_REASONS.Finished.True)[number]
  | (typeof CONDITION_REASONS.Finished.False)[number]
  | 'Unseen';

function countReasons(store: Store<StoredVideoJob>): Map<FinishedReason, number> {
  const counts = new Map<FinishedReason, number>();
  for (const { status } of store.list()) {
    const reason = reasonOf(status);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

function reasonOf(status: unknown): FinishedReason {
  try {
    const { conditions } = parseVideoJobStatus(status ?? {});
    const reason = findCondition(conditions, 'Finished')?.reason;
    return known.find((one) => one === reason) ?? 'Unseen';
  } catch {
    // A status nobody of ours wrote: the object is counted, and reconciling will say what is wrong with it.
    return 'Unseen';
  }
}

const known: readonly FinishedReason[] = [...CONDITION_REASONS.Finished.True, ...CONDITION_REASONS.Finished.False];

function shared(read: () => Promise<Figures>): () => Promise<Figures> {
  let current: { figures: Promise<Figures>; until: number } | undefined;
  return () => {
    if (current !== undefined && performance.now() < current.until) return current.figures;
    const began = performance.now();
    const reading = { figures: read(), until: Number.POSITIVE_INFINITY };
    current = reading;
    const end = (): void => {
      reading.until = performance.now() + Math.max(readingLivesMs, readingShare * (performance.now() - began));
    };
    // A failed reading is told to who waits for it, and tried again by the next scrape.
    reading.figures.then(end, () => {
      reading.until = 0;
    });
    return reading.figures;
  };
}
