import { expect, it } from 'vitest';
import { followAbandoned } from '../../src/controller/abandoned.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createKieProvider } from '../../src/provider/kie/provider.ts';
import { waitFor } from '../support/wait.ts';
import { type BenchOrder, KIE_KEY, setUpWorkbench, type Workbench } from '../support/workbench.ts';

/** An order that was deleted over the task it had paid for. */
async function abandoned(bench: Workbench, tags: string): Promise<BenchOrder> {
  const order = await bench.order(`a cup ${tags}`);
  const runner = await bench.generate(order);
  await bench.state(order, 'accepted');
  await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'Deleted');
  await runner.end;
  return order;
}

/** One round of the controller, a minute later. */
async function followed(bench: Workbench, orders: readonly BenchOrder[], seconds = 61): Promise<unknown[]> {
  for (const order of orders) await bench.ledger.pass(order, seconds);
  await followAbandoned({
    database: bench.ledger.controller,
    provider: createKieProvider({ baseUrl: bench.kieUrl, uploadUrl: bench.kieUrl, apiKey: KIE_KEY }),
    storage: bench.storage,
    owner: 'controller-1',
    log: createLogger({ service: 'test', level: 'silent' }),
    signal: new AbortController().signal,
  })();
  const rows = await bench.ledger.rows('select followed from ledger.attempts order by attempt_id');
  return rows.map(({ followed: end }) => end);
}

it('a late video is kept as evidence, and never shown or charged', async () => {
  const bench = await setUpWorkbench();
  const order = await abandoned(bench, '[[emu:slow-late-success:3]]');
  expect(await followed(bench, [order])).toEqual([null]);
  await waitFor(async () => (await bench.tasks())[0]?.state === 'success', { what: 'the late video' });
  expect(await followed(bench, [order])).toEqual(['succeeded']);
  const [row] = await bench.ledger.rows('select state, video_key from ledger.attempts');
  expect(row).toMatchObject({ state: 'abandoned' });
  expect(await bench.storage.stat(String(row?.['video_key']))).toBeDefined();
  expect(await bench.hold(order)).toEqual({ state: 'released', reason: 'Deleted' });
  expect(await bench.videos(order)).toEqual([]);
  expect(await bench.ledger.violations()).toEqual([]);
});

it('one whose file is gone does not keep the others from being followed, and is given up after a day', async () => {
  const bench = await setUpWorkbench();
  const orders = [
    await abandoned(bench, '[[emu:url-404]] [[emu:slow-late-success:1]]'),
    await abandoned(bench, '[[emu:slow-late-success:1]]'),
    await abandoned(bench, '[[emu:fail:500:Internal Error]] [[emu:slow-late-success:1]]'),
  ];
  await waitFor(async () => (await bench.tasks()).every(({ state }) => ['success', 'fail'].includes(state)), {
    what: 'the end of the tasks',
  });
  expect(await followed(bench, orders)).toEqual([null, 'succeeded', 'failed']);
  expect(await followed(bench, orders, 86_400)).toEqual(['gave-up', 'succeeded', 'failed']);
});
