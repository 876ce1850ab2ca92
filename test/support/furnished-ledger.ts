import { randomUUID } from 'node:crypto';
import { recordShown } from '../../src/delivery/delivery.ts';
import { openExecution } from '../../src/ledger/executions.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { setSuspended } from '../../src/order/observation.ts';
import type { TestLedger } from './ledger.ts';

/** Puts at least one row into every table, by the product's own functions: what rules of rows are tried on. */
export async function furnish(ledger: TestLedger): Promise<void> {
  await ledger.admin.query('select ledger.set_setting($1, $2)', ['open_order_limit', '100']);
  const person = await ledger.person();
  const released = await ledger.claimed(person);
  await closeOrder(ledger.controller, released.orderId, released.uid, 'Deleted');
  const captured = await ledger.claimed(person);
  await ledger.succeeded(captured);
  const { nonce } = await ledger.editing(captured);
  await recordShown(ledger.runner, captured.orderId, nonce, { messageId: 7, fileId: null });
  const stored = await ledger.claimed(person);
  await ledger.succeeded(stored);
  const suspended = await ledger.claimed(person);
  await setSuspended(ledger.controller, suspended.orderId, suspended.uid, true);
  const submitted = await ledger.claimed(person);
  await ledger.submitting(submitted);
  const accepted = await ledger.claimed(person);
  const task = await ledger.accepted(accepted);
  await ledger.bot.query('select ledger.note_callback($1, $2)', [task.nonce, `another-${randomUUID()}`]);
  await ledger.runner.query('select ledger.take_submit_token($1)', ['kie']);
  const counts = JSON.stringify([{ target: 'provider', operation: 'createTask', class: 'ok', count: 1 }]);
  await ledger.runner.query('select ledger.record_requests($1, $2, $3, $4, $5)', [
    accepted.orderId,
    accepted.uid,
    'generation',
    1,
    counts,
  ]);
  await ledger.place(ledger.placement(person));
  const waiting = await ledger.claimed(person);
  await openExecution(ledger.controller, waiting.orderId, waiting.uid, 'generation', 1);
}
