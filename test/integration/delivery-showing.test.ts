import { describe, expect, it } from 'vitest';
import { askShowing, takeShowings } from '../../src/delivery/delivery.ts';
import { showStoredVideo } from '../../src/delivery/showing.ts';
import { registerPerson } from '../../src/ledger/people.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { type BenchOrder, setUpWorkbench, type Workbench } from '../support/workbench.ts';

const soon = () => AbortSignal.timeout(30_000);

/** One sweep of the bot: what came of every showing that was due. */
async function sweep(bench: Workbench): Promise<string[]> {
  const desk = { database: bench.ledger.bot, chat: bench.chat(), storage: bench.storage };
  const showings = await takeShowings(bench.ledger.bot, 'bot-1', 5);
  return Promise.all(showings.map((showing) => showStoredVideo(showing, desk, soon())));
}

/** Captured because the person had blocked the bot. */
async function waiting(bench: Workbench): Promise<BenchOrder> {
  const order = await bench.stored();
  await bench.telegram.dev('PATCH', `chats/${order.chatId}`, { blocked: true });
  await (await bench.deliver(order)).end;
  expect(await bench.delivery(order)).toMatchObject({ state: 'waiting' });
  return order;
}

/** Captured over an edit that nobody answered; `shown` when that edit had worked all the same. */
async function uncertain(bench: Workbench, fault: 'process-then-drop' | 'drop'): Promise<BenchOrder> {
  const order = await bench.stored();
  await bench.telegramFault({ method: 'editMessageMedia', fault });
  await bench.telegramFault({ method: 'editMessageMedia', fault: '400:file is too big' });
  await (await bench.deliver(order)).end;
  await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'DeliveryOver');
  expect(await bench.delivery(order)).toMatchObject({ state: 'uncertain' });
  return order;
}

describe('a video that waits for its person', () => {
  it('is not tried while they have the bot blocked, and shown free on their return', async () => {
    const bench = await setUpWorkbench();
    const order = await waiting(bench);
    expect(await sweep(bench)).toEqual([]);
    await bench.telegram.dev('PATCH', `chats/${order.chatId}`, { blocked: false });
    await registerPerson(bench.ledger.bot, order.chatId, 'en');
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toMatchObject([{ message_id: order.messageId }]);
    expect(await bench.delivery(order)).toMatchObject({ state: 'shown' });
    expect(await bench.hold(order)).toEqual({ state: 'captured', reason: 'RecipientUnreachable' });
    expect(await sweep(bench)).toEqual([]);
    expect(await bench.ledger.violations()).toEqual([]);
  });

  it('whose message is gone gets a new one by the next sweep', async () => {
    const bench = await setUpWorkbench();
    const order = await waiting(bench);
    await bench.telegram.dev('PATCH', `chats/${order.chatId}`, { blocked: false });
    await bench.telegram.dev('DELETE', `chats/${order.chatId}/messages/${order.messageId}`);
    await registerPerson(bench.ledger.bot, order.chatId, 'en');
    expect(await sweep(bench)).toEqual(['refused']);
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toHaveLength(1);
  });

  it('of a VideoJob that was deleted is shown at once, and paid for', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    expect(await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'Deleted')).toMatchObject({
      settled: { outcome: 'captured', reason: 'Deleted' },
    });
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toHaveLength(1);
  });

  it('blocked again meanwhile waits for the next return', async () => {
    const bench = await setUpWorkbench();
    const order = await waiting(bench);
    await registerPerson(bench.ledger.bot, order.chatId, 'en');
    expect(await sweep(bench)).toEqual(['refused']);
    expect(await sweep(bench)).toEqual([]);
    expect(await bench.delivery(order)).toMatchObject({ state: 'waiting' });
  });
});

describe('a video of which nobody knows whether it is shown', () => {
  it('is sent again only when the person asks, and changes nothing where it was there', async () => {
    const bench = await setUpWorkbench();
    const order = await uncertain(bench, 'process-then-drop');
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await sweep(bench)).toEqual([]);
    expect(await askShowing(bench.ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'queued' });
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await askShowing(bench.ledger.bot, order.orderId, order.userId)).toEqual({ outcome: 'shown' });
  });

  it('comes when it was not there, and credits move no more', async () => {
    const bench = await setUpWorkbench();
    const order = await uncertain(bench, 'drop');
    expect(await bench.videos(order)).toEqual([]);
    await askShowing(bench.ledger.bot, order.orderId, order.userId);
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toMatchObject([{ message_id: order.messageId }]);
    expect(await bench.hold(order)).toEqual({ state: 'captured', reason: 'DeliveryUnconfirmed' });
    expect(await bench.ledger.violations()).toEqual([]);
  });

  it('is not somebody else’s to ask for', async () => {
    const bench = await setUpWorkbench();
    const order = await uncertain(bench, 'drop');
    const stranger = await bench.ledger.person();
    expect(await askShowing(bench.ledger.bot, order.orderId, stranger.userId)).toEqual({ outcome: 'unknown-order' });
    expect(await sweep(bench)).toEqual([]);
  });

  it('whose showing got no answer is due again when its lease has run out', async () => {
    const bench = await setUpWorkbench();
    const order = await uncertain(bench, 'drop');
    await askShowing(bench.ledger.bot, order.orderId, order.userId);
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'process-then-drop' });
    expect(await sweep(bench)).toEqual(['unknown']);
    expect(await sweep(bench)).toEqual([]);
    await bench.ledger.pass(order, 61);
    expect(await sweep(bench)).toEqual(['shown']);
    expect(await bench.videos(order)).toHaveLength(1);
  });

  it('is shown by the late edit of a pod as well, once', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 3 });
    const runner = await bench.deliver(order);
    await bench.begun(order);
    await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'Deleted');
    expect(await sweep(bench)).toEqual(['shown']);
    await runner.end;
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await bench.delivery(order)).toMatchObject({ state: 'shown' });
    expect(await bench.hold(order)).toEqual({ state: 'captured', reason: 'Deleted' });
    expect(await bench.ledger.violations()).toEqual([]);
  });
});
