import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { beginEdit, leaseDelivery, recordShown } from '../../src/delivery/delivery.ts';
import {
  answerSubmit,
  beginSubmit,
  failAttempt,
  leaseAttempt,
  rejectAttempt,
  succeedAttempt,
} from '../../src/generation/attempt.ts';
import { endExecution, openExecution } from '../../src/ledger/executions.ts';
import { closeOrder, readDueOrders } from '../../src/ledger/settlement.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import type { TestDatabase } from './database.ts';
import { waitFor } from './wait.ts';

const row = z.object({ spec_hash: z.string() });
const video = { sha256: 'a'.repeat(64), bytes: 1000, seconds: 5, width: 720, height: 1280 };

/**
 * Plays the controller and the runners for an order that a bot placed, step by step, through the same functions.
 * The steps build on each other: call them in this order.
 */
export async function takeOver(database: TestDatabase, orderId: string) {
  const pools = (['controller', 'runner', 'admin'] as const).map((role) =>
    createPool(database.urlFor(role), { applicationName: `test-${role}`, max: 2 }),
  );
  const [controller, runner, admin] = pools;
  const owner = createPool(database.ownerUrl, { applicationName: 'test-owner', max: 1 });
  if (controller === undefined || runner === undefined || admin === undefined) throw new Error('no pools');
  onTestFinished(async () => {
    await Promise.all([...pools, owner].map((pool) => pool.end()));
  });
  const uid = randomUUID();
  const { rows } = await owner.query('select spec_hash from ledger.orders where order_id = $1', [orderId]);
  await claimOrder(controller, orderId, uid, row.parse(rows[0]).spec_hash);
  let attempt = { attemptId: 0, fence: 0 };
  let edit = '';
  let messageId = 0;

  const lease = async (): Promise<void> => {
    await openExecution(controller, orderId, uid, 'generation', 1);
    const leased = await leaseAttempt(runner, orderId, uid, 1, 'test');
    if (leased.outcome !== 'leased') throw new Error(JSON.stringify(leased));
    attempt = leased;
  };
  return {
    uid,
    async accepted(): Promise<void> {
      await lease();
      const nonce = randomUUID();
      await beginSubmit(runner, attempt.attemptId, attempt.fence, nonce);
      await answerSubmit(runner, nonce, { kind: 'accepted', taskId: `task-${nonce}` });
    },
    async rejected(failureClass: string): Promise<void> {
      await lease();
      await rejectAttempt(runner, attempt.attemptId, attempt.fence, failureClass, 'refused before anything was sent');
      await closeOrder(controller, orderId, uid, 'Verdict');
    },
    async failed(failureClass: string): Promise<void> {
      await failAttempt(runner, attempt.attemptId, attempt.fence, failureClass, 'the provider refused it');
      await closeOrder(controller, orderId, uid, 'Verdict');
    },
    async succeeded(key = `${orderId}/${video.sha256}`): Promise<void> {
      await succeedAttempt(runner, attempt.attemptId, attempt.fence, { ...video, key });
    },
    async editing(): Promise<void> {
      await openExecution(controller, orderId, uid, 'delivery', 1);
      const leased = await leaseDelivery(runner, orderId, uid, 1, 'test');
      if (leased.outcome !== 'leased') throw new Error(JSON.stringify(leased));
      edit = randomUUID();
      messageId = leased.messageId ?? 0;
      await beginEdit(runner, orderId, leased.fence, edit);
    },
    async shown(): Promise<void> {
      await recordShown(runner, orderId, edit, { messageId, fileId: null });
    },
    /** Lets time pass since the admission, and the controller look at what is due. */
    async minutesLater(minutes: number): Promise<void> {
      await inTransaction(owner, async (database) => {
        // Rules are off for the moment: no statement of the product can do this.
        await database.query("set local session_replication_role = 'replica'");
        await database.query(
          'update ledger.orders set admitted_at = admitted_at - make_interval(mins => $2) where order_id = $1',
          [orderId, minutes],
        );
      });
      await readDueOrders(controller, new Date());
    },
    /** The delivery stage ends with its edit unanswered; the order must allow one execution and a second. */
    async unconfirmed(): Promise<void> {
      await endExecution(controller, orderId, uid, 'delivery', 1, 'Crashed');
      await waitFor(async () => (await closeOrder(controller, orderId, uid, 'DeliveryOver')).settled !== null, {
        what: 'the delivery stage to be over',
      });
    },
    async deleted(): Promise<void> {
      await closeOrder(controller, orderId, uid, 'Deleted');
    },
    async grant(userId: number, credits: number): Promise<void> {
      await admin.query('select ledger.grant_by_admin($1, $2, $3, $4, $4, false)', [
        userId,
        credits,
        randomUUID(),
        'test',
      ]);
    },
  };
}
