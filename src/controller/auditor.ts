import { auditedObject, listVideoJobs } from '../audit/audited-objects.ts';
import { type AuditedBooks, readAuditedBooks } from '../audit/books.ts';
import { compareSides, DIFFERENCES, type Difference, differenceKey, provesLoss } from '../audit/differences.ts';
import type { KubeClient } from '../kube/client.ts';
import { type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import { closeOrder } from '../ledger/settlement.ts';
import type { Logger } from '../log/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Database } from '../postgres/call.ts';
import { videoJobName } from '../videojob/names.ts';
import type { Memory } from './memory.ts';

export interface AuditorTools {
  kube: KubeClient;
  database: Database;
  memory: Memory;
  metrics: Metrics;
  log: Logger;
  namespace: string;
  macKey: string;
  /** Puts an order's VideoJob into the queue. */
  enqueue: (orderId: string) => void;
  /** Told of every VideoJob as the API server itself has it. */
  onLive: (objects: readonly StoredVideoJob[]) => void;
}

/**
 * One audit: compares books and objects, repairs what two audits agree on, reports the rest, and leaves a mark on both sides. In audit
 * mode it only looks.
 */
export function createAuditor(tools: AuditorTools): () => Promise<void> {
  const { kube, database, memory, metrics, log, namespace, macKey } = tools;
  const lastAudit = metrics.gauge('neurocards_audit_last_timestamp_seconds');
  const counts = metrics.gauge('neurocards_audit_differences');
  let unsettled: AuditedBooks['unsettled'] = [];
  // Looking for violations reads every row of the ledger, so a scrape tells what the last audit saw.
  let broken: AuditedBooks['broken'] = {};
  metrics.collect('neurocards_ledger_violations', (gauge) => {
    for (const [invariant, count] of Object.entries(broken)) gauge.set({ invariant }, count);
  });
  metrics.collect('neurocards_audit_unsettled_seconds', (gauge) => {
    for (const { cause, oldestSeconds } of unsettled) gauge.set({ cause }, oldestSeconds);
  });
  metrics.collect('neurocards_audit_mode', (gauge) => gauge.set({}, memory.standstill ? 1 : 0));
  let previous = new Map<string, Difference>();

  return async () => {
    await memory.check(database);
    // Objects first: what their status tells must have been in the books by then.
    const live = await listVideoJobs(kube, namespace);
    tools.onLive(live);
    const objects = live.flatMap((stored) => auditedObject(stored, macKey) ?? []);
    const books = await readAuditedBooks(
      database,
      objects.map(({ orderId }) => orderId),
    );
    const found = compareSides(objects, books);
    const confirmed = found.filter((one) => previous.has(differenceKey(one)));
    report(found, books);
    previous = new Map(found.map((one) => [differenceKey(one), one]));
    if (!memory.standstill) await repair(confirmed, tools);
    if (!memory.standstill) await memory.mark(database);
    lastAudit.set({}, Math.floor(Date.now() / 1000));
  };

  function report(found: readonly Difference[], books: AuditedBooks): void {
    const { violations } = books;
    for (const kind of DIFFERENCES) counts.set({ kind }, found.filter((one) => one.kind === kind).length);
    for (const one of found) {
      if (previous.has(differenceKey(one))) continue;
      log[one.kind === 'order-unposted' ? 'info' : 'warn'](
        { difference: one.kind, order: one.orderId, uid: one.uid },
        `books and VideoJobs differ: ${one.explanation}`,
      );
    }
    unsettled = books.unsettled;
    broken = books.broken;
    if (violations.length > 0) log.error({ violations: violations.slice(0, 10) }, 'the books break an invariant');
  }
}

/** Acts on what two audits agree on, a minute apart. */
async function repair(confirmed: readonly Difference[], tools: AuditorTools): Promise<void> {
  const { database, memory, enqueue } = tools;
  const [proof] = confirmed.filter(provesLoss);
  if (proof !== undefined) {
    const others = confirmed.filter(provesLoss).length - 1;
    const explanation = `PostgreSQL is older than the cluster: of order ${proof.orderId}${others > 0 ? ` and ${others} more` : ''}, ${proof.explanation}`;
    await memory.enter(database, { cause: 'database-forgot', explanation });
    return;
  }
  for (const difference of confirmed) {
    if (difference.kind === 'order-without-object') await closeGone(difference, tools);
    if (difference.kind === 'settlement-unseen') enqueue(difference.orderId);
  }
}

/** An open order whose claimed object is gone ends as deleted; the last look is a GET of that very object. */
async function closeGone(
  { orderId, uid }: Difference,
  { kube, database, namespace, log, enqueue }: AuditorTools,
): Promise<void> {
  const live = await kube.find(VIDEOJOBS, { namespace, name: videoJobName(orderId) });
  if (uid === null || live?.metadata.uid === uid) return;
  const closed = await closeOrder(database, orderId, uid, 'Deleted');
  log.warn({ order: orderId, ...closed }, 'the VideoJob of an open order is gone; the order was closed as deleted');
  enqueue(orderId);
}
