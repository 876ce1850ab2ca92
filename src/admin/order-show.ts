import type { KubeClient } from '../kube/client.ts';
import { VIDEOJOBS } from '../kube/resources.ts';
import { findCondition } from '../videojob/conditions.ts';
import { videoJobName } from '../videojob/names.ts';
import { parseVideoJob } from '../videojob/parse.ts';
import { nextStep } from './next-step.ts';
import type { OrderRecord } from './order-rows.ts';

/** What the API server says of the order's VideoJob, in lines; never throws, because the books are what counts. */
export async function describeVideoJob(orderId: string, namespace: string | undefined): Promise<string[]> {
  if (namespace === undefined) return ['not asked: set NEUROCARDS_NAMESPACE'];
  let kube: KubeClient | undefined;
  try {
    // Loaded only here: the client library takes a second, and most commands ask the books alone.
    const { createKubeClient } = await import('../kube/client.ts');
    kube = createKubeClient({ userAgent: 'neurocards-admin' });
    const found = await kube.find(VIDEOJOBS, { namespace, name: videoJobName(orderId) });
    if (found === undefined) return ['none of this name'];
    const { metadata, status } = parseVideoJob(found);
    const finished = findCondition(status.conditions, 'Finished');
    return [
      `${namespace}/${metadata.name}  uid ${metadata.uid}${metadata.deletionTimestamp === undefined ? '' : '  being deleted'}`,
      `Finished ${finished?.status ?? '-'} ${finished?.reason ?? ''}  CreditsSettled ${findCondition(status.conditions, 'CreditsSettled')?.reason ?? '-'}` +
        (status.activeJobName === undefined ? '' : `  Job ${status.activeJobName}`),
    ];
  } catch (error) {
    return [`not read: ${error instanceof Error ? error.message : 'unknown error'}`];
  } finally {
    await kube?.close();
  }
}

/** The page an SRE reads about one order. Pure. */
export function renderOrder(record: OrderRecord, videoJob: readonly string[]): string {
  const { order, attempts, executions, delivery, edits } = record;
  const lines = [
    `order      ${order.order_id}  person ${order.user_id}  ${order.credits} credit(s)  ${order.model}`,
    `placed     ${at(order.placed_at)}  claimed ${at(order.claimed_at)}  admitted ${at(order.admitted_at)}`,
    `hold       ${order.hold_state}${order.hold_reason === null ? '' : `  ${order.hold_reason}  ${at(order.settled_at)}`}`,
    ...videoJob.map((line, index) => `${index === 0 ? 'VideoJob' : ''}`.padEnd(11) + line),
    ...attempts.map(
      (one) =>
        `attempt ${one.n}  ${one.state}  task ${one.task_id ?? '-'}  opened ${at(one.opened_at)}  accepted ${at(one.accepted_at)}` +
        `${one.ended_at === null ? leaseOf(one, order.now) : `  ended ${at(one.ended_at)}`}` +
        `${one.failure_class === null ? '' : `  ${one.failure_class}: ${one.failure_message ?? ''}`}` +
        `${one.state === 'abandoned' ? `  followed ${one.followed ?? `until ${at(one.follow_until)}`}` : ''}`,
    ),
    ...executions.map(
      (one) =>
        `${one.stage === 'generation' ? 'generate' : 'deliver '} ${one.n}  ${one.executor}  opened ${at(one.opened_at)}  leased ${at(one.leased_at)}` +
        `  ${one.ended_at === null ? (order.hold_state === 'held' ? 'running' : 'over with the order') : `ended ${at(one.ended_at)} ${one.end_cause ?? ''}`}`,
    ),
    delivery === null
      ? 'delivery   none yet'
      : `delivery   ${delivery.state}  opened ${at(delivery.opened_at)}  shown ${at(delivery.shown_at)}${delivery.failure_class === null ? '' : `  ${delivery.failure_class}`}`,
    ...edits.map(
      (one) =>
        `  ${one.kind}  begun ${at(one.begun_at)}  ${one.answer ?? 'no answer yet'}${one.meaning === null ? '' : ` (${one.meaning})`}`,
    ),
    `next       ${nextStep(record)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function leaseOf(attempt: OrderRecord['attempts'][number], now: Date): string {
  if (attempt.lease_until === null) return '  nobody holds its lease';
  const left = Math.round((attempt.lease_until.getTime() - now.getTime()) / 1000);
  return left > 0 ? `  leased by ${attempt.lease_owner ?? '?'} for ${left} s` : `  its lease ran out ${-left} s ago`;
}

function at(instant: Date | null): string {
  return instant === null
    ? '-'
    : instant
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');
}
