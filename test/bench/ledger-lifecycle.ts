import { randomUUID } from 'node:crypto';
import { beginEdit, leaseDelivery, recordShown } from '../../src/delivery/delivery.ts';
import {
  answerSubmit,
  beginSubmit,
  leaseAttempt,
  type StoredVideo,
  succeedAttempt,
} from '../../src/generation/attempt.ts';
import { openExecution } from '../../src/ledger/executions.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { type Placement, placeOrders } from '../../src/order/placement.ts';
import type { DatabasePool } from '../../src/postgres/pool.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { buildVideoJob, serializeVideoJob } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';

/** The pools of the processes that share the steps of an order. */
export type Processes = {
  readonly bot: DatabasePool;
  readonly controller: DatabasePool;
  readonly runner: DatabasePool;
};

/** What the bot makes of a tap before it asks the ledger; made beforehand, because it is not the ledger's work. */
export function placementOf(userId: number, count = 1): Placement {
  const orders = Array.from({ length: count }, () => {
    const manifest = buildVideoJob({
      orderId: newOrderId(),
      userId,
      credits: 1,
      photo: 'photo/1',
      template: 'ugc',
      generation: { provider: 'kie', model: 'model/1' },
      signingKey: 'bench',
    });
    const { id, specHash } = manifest.spec.order;
    return { orderId: id, videoJob: serializeVideoJob(manifest), specHash };
  });
  return {
    userId,
    nonce: randomUUID(),
    unitPrice: 1,
    requestHash: 'hash',
    chatId: userId,
    messageId: 7,
    language: 'en',
    template: 'ugc',
    productText: 'a cup',
    wishes: null,
    photoKey: 'photo/1',
    repeats: null,
    orders,
  };
}

export async function place({ bot }: Processes, placement: Placement): Promise<void> {
  const placed = await inTransaction(bot, (database) => placeOrders(database, placement));
  if (placed.outcome !== 'placed') throw new Error(`not placed: ${JSON.stringify(placed)}`);
}

/** The steps of one order, each one transaction as in the product; told to `timed` by name. */
export async function playLifecycle(
  processes: Processes,
  placement: Placement,
  timed: <T>(step: string, act: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const { controller, runner } = processes;
  const [order] = placement.orders;
  if (order === undefined) throw new Error('a placement without an order');
  const { orderId, specHash } = order;
  const uid = randomUUID();
  await timed('place', () => place(processes, placement));
  await timed('claim and admit', () => claimOrder(controller, orderId, uid, specHash));
  await timed('open_execution', () => openExecution(controller, orderId, uid, 'generation', 1));
  const lease = await timed('lease_attempt', () => leaseAttempt(runner, orderId, uid, 1, 'bench'));
  if (lease.outcome !== 'leased') throw new Error(`not leased: ${JSON.stringify(lease)}`);
  const { attemptId, fence } = lease;
  const submit = randomUUID();
  await done(timed('begin_submit', () => beginSubmit(runner, attemptId, fence, submit)));
  await timed('answer_submit', () => answerSubmit(runner, submit, { kind: 'accepted', taskId: `task-${submit}` }));
  await done(timed('succeed_attempt', () => succeedAttempt(runner, attemptId, fence, videoOf(orderId))));
  await timed('open_execution', () => openExecution(controller, orderId, uid, 'delivery', 1));
  const delivery = await timed('lease_delivery', () => leaseDelivery(runner, orderId, uid, 1, 'bench'));
  if (delivery.outcome !== 'leased') throw new Error(`not leased: ${JSON.stringify(delivery)}`);
  const edit = randomUUID();
  await done(timed('begin_edit', () => beginEdit(runner, orderId, delivery.fence, edit)));
  const shown = await timed('shown', () => recordShown(runner, orderId, edit, { messageId: 7, fileId: 'file' }));
  if (!shown.captured) throw new Error(`not captured: ${JSON.stringify(shown)}`);
}

function videoOf(orderId: string): StoredVideo {
  const sha256 = 'a'.repeat(64);
  return { key: `${orderId}/${sha256}`, sha256, bytes: 1000, seconds: 5, width: 720, height: 1280 };
}

async function done(answer: Promise<{ done: boolean; because: string | null }>): Promise<void> {
  const { done: isDone, because } = await answer;
  if (!isDone) throw new Error(because ?? 'not done');
}
