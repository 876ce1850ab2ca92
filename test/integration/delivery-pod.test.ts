import { rename } from 'node:fs/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { exitCodes } from '../../src/runner/exit.ts';
import { waitFor } from '../support/wait.ts';
import { type BenchOrder, nextExecution, setUpWorkbench, type Workbench } from '../support/workbench.ts';

/** Calls of one method in this chat. */
async function calls(bench: Workbench, order: BenchOrder, method: string) {
  return (await bench.telegram.journal(`?method=${method}`)).filter(({ chat }) => chat === order.chatId);
}

/** How the begun edits were answered, in their order. */
async function edits(bench: Workbench): Promise<unknown[]> {
  const rows = await bench.ledger.rows('select answer, meaning from ledger.delivery_edits order by begun_at');
  return rows.map(({ answer, meaning }) => [answer, meaning].filter((word) => typeof word === 'string').join(' '));
}

const captured = { state: 'captured', reason: 'VideoDelivered' };

describe('a deliver pod', () => {
  it('turns the progress message into the video and captures the credits', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    expect(await (await bench.deliver(order)).end).toEqual({
      code: exitCodes.verdict,
      message: 'the delivery is shown',
    });
    const messages = await bench.messages(order);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ message_id: order.messageId, video: { width: 368, height: 640 } });
    expect(await bench.hold(order)).toEqual(captured);
    const shown = await bench.delivery(order);
    expect(shown).toMatchObject({ state: 'shown', shown_message_id: String(order.messageId) });
    expect(shown['file_id']).toEqual(messages[0]?.video?.file_id);
    expect(await edits(bench)).toEqual(['shown']);
    expect(await bench.counted()).toMatchObject({ 'telegram editMessageMedia ok': 1 });
    expect(await bench.ledger.violations()).toEqual([]);
    const late = await bench.deliver(order, { execution: 1 });
    expect(await late.end).toMatchObject({ message: 'the order is settled' });
    expect(await calls(bench, order, 'editMessageMedia')).toHaveLength(1);
  });

  it('sends a short text where the message is gone, and turns that into the video', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegram.dev('DELETE', `chats/${order.chatId}/messages/${order.messageId}`);
    expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
    const messages = await bench.messages(order);
    expect(messages).toHaveLength(1);
    expect(messages[0]?.message_id).not.toBe(order.messageId);
    expect(messages[0]?.video).toBeDefined();
    expect(await bench.hold(order)).toEqual(captured);
    expect(await edits(bench)).toEqual(['refused missing-message', 'shown']);
  });

  it('agrees with another sender on one message', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegram.dev('DELETE', `chats/${order.chatId}/messages/${order.messageId}`);
    await bench.telegramFault({ method: 'sendMessage', fault: 'slow', seconds: 2 });
    const first = await bench.deliver(order);
    await waitFor(async () => (await calls(bench, order, 'sendMessage')).length === 2, { what: 'the first text' });
    const second = await bench.deliver(order, { execution: await nextExecution(bench, order, 'delivery') });
    expect((await second.end).code).toBe(exitCodes.verdict);
    expect((await first.end).code).not.toBe(exitCodes.verdict);
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await bench.hold(order)).toEqual(captured);
  });
});

describe('Telegram’s answer', () => {
  it('that the person blocked the bot keeps the video for them', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegram.dev('PATCH', `chats/${order.chatId}`, { blocked: true });
    expect(await (await bench.deliver(order)).end).toMatchObject({ code: exitCodes.verdict });
    expect(await bench.delivery(order)).toMatchObject({ state: 'waiting' });
    expect(await bench.hold(order)).toEqual({ state: 'captured', reason: 'RecipientUnreachable' });
  });

  it('that the person blocked the bot is heard where only a text could be sent, too', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegram.dev('DELETE', `chats/${order.chatId}/messages/${order.messageId}`);
    await bench.telegram.dev('PATCH', `chats/${order.chatId}`, { blocked: true });
    expect(await (await bench.deliver(order)).end).toMatchObject({ code: exitCodes.verdict });
    expect(await bench.hold(order)).toEqual({ state: 'captured', reason: 'RecipientUnreachable' });
  });

  it('429 is waited for as long as it asks, and its time is not the stage’s', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: '429', retry_after: 2 });
    const began = Date.now();
    expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
    expect(Date.now() - began).toBeGreaterThan(2000);
    expect(await edits(bench)).toEqual(['refused retry', 'shown']);
    expect(await bench.ledger.rows('select cause from ledger.pauses')).toEqual([{ cause: 'retry-after' }]);
    expect(await bench.videos(order)).toHaveLength(1);
  });

  it('429 for longer than the execution lives is left to the next one', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: '429', retry_after: 600 });
    expect((await (await bench.deliver(order, { seconds: 1 })).end).code).toBe(exitCodes.interrupted);
    const { delivery } = await bench.ledger.observe(order);
    expect((delivery?.notBefore?.getTime() ?? 0) - Date.now()).toBeGreaterThan(500_000);
    expect(delivery).toMatchObject({ state: 'editing', editsUnanswered: 0, over: false });
  });

  it.each(['process-then-drop', 'drop', '500', '502-html'])(
    'lost by %s is followed by the same edit',
    async (fault) => {
      const bench = await setUpWorkbench();
      const order = await bench.stored();
      await bench.telegramFault({ method: 'editMessageMedia', fault });
      expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
      expect(await edits(bench)).toEqual(['unknown', 'shown']);
      expect(await bench.videos(order)).toHaveLength(1);
      expect(await bench.hold(order)).toEqual(captured);
    },
  );

  it('that never comes is asked for with growing pauses', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'drop', times: 3 });
    expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
    const begun = (await calls(bench, order, 'editMessageMedia')).map(({ time }) => Date.parse(time));
    const pauses = begun.slice(1).map((time, index) => time - (begun[index] ?? 0));
    expect(pauses).toHaveLength(3);
    for (const [index, least] of [2000, 2000, 4000].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least);
  });

  it('"message is not modified" means that the video is there', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({
      method: 'editMessageMedia',
      fault: '400:message is not modified: specified new message content is exactly the same',
    });
    expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
    expect(await edits(bench)).toEqual(['shown']);
    expect(await bench.hold(order)).toEqual(captured);
  });

  it.each([
    ['400:file is too big', 'delivery-size'],
    ['400:MEDIA_INVALID', 'delivery-file'],
  ])('%s ends the delivery for good, and the credits go back', async (fault, failureClass) => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault });
    expect(await (await bench.deliver(order)).end).toMatchObject({ code: exitCodes.verdict });
    expect(await bench.delivery(order)).toMatchObject({ state: 'refused', failure_class: failureClass });
    expect((await bench.ledger.observe(order)).delivery?.over).toBe(true);
    expect(await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'DeliveryOver')).toMatchObject({
      settled: { outcome: 'released', reason: 'DeliveryFailed' },
    });
    expect(await bench.videos(order)).toEqual([]);
  });

  it('refused for good after one without an answer never gives the credits back', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'process-then-drop' });
    await bench.telegramFault({ method: 'editMessageMedia', fault: '400:file is too big' });
    expect((await (await bench.deliver(order)).end).code).toBe(exitCodes.verdict);
    expect(await edits(bench)).toEqual(['unknown', 'refused final']);
    expect(await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'DeliveryOver')).toMatchObject({
      settled: { outcome: 'captured', reason: 'DeliveryUnconfirmed' },
    });
    expect(await bench.delivery(order)).toMatchObject({ state: 'uncertain' });
  });
});

describe('PostgreSQL away', () => {
  it('right after the edit loses nothing: the video stays shown and is paid for', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 1 });
    const runner = await bench.deliver(order);
    await waitFor(async () => (await calls(bench, order, 'editMessageMedia')).length === 1, { what: 'the edit' });
    bench.proxy.down();
    await waitFor(async () => (await calls(bench, order, 'editMessageMedia'))[0]?.finishedAt, { what: 'the answer' });
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await bench.hold(order)).toMatchObject({ state: 'held' });
    bench.proxy.up();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.hold(order)).toEqual(captured);
    expect(await calls(bench, order, 'editMessageMedia')).toHaveLength(1);
  });

  it('with the reply of shown lost captures once', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    const { lost } = bench.proxy.loseReplyTo('ledger.shown');
    const runner = await bench.deliver(order);
    await lost;
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.hold(order)).toEqual(captured);
    expect(await bench.ledger.violations()).toEqual([]);
  });

  it('with the reply of begin_edit lost for long sends nothing under it, and closes it as not sent', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    const { lost } = bench.proxy.loseReplyTo('ledger.begin_edit', { stayDown: true });
    const runner = await bench.deliver(order);
    await lost;
    // Longer than the five seconds within which an edit may start.
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    expect(await calls(bench, order, 'editMessageMedia')).toEqual([]);
    bench.proxy.up();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await edits(bench)).toEqual(['refused retry', 'shown']);
    expect(await calls(bench, order, 'editMessageMedia')).toHaveLength(1);
  });
});

describe('a delivery lease that a later execution took', () => {
  it('lets the earlier one show nothing more, and its late edit changes nothing', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 2 });
    const first = await bench.deliver(order);
    await waitFor(async () => (await calls(bench, order, 'editMessageMedia')).length === 1, { what: 'the edit' });
    const second = await bench.deliver(order, { execution: await nextExecution(bench, order, 'delivery') });
    expect((await second.end).code).toBe(exitCodes.verdict);
    await first.end;
    expect(await bench.videos(order)).toHaveLength(1);
    expect(await bench.hold(order)).toEqual(captured);
    expect(await bench.ledger.violations()).toEqual([]);
  });
});

describe('a delivery lease that was lost while the video was read', () => {
  it('ends the pod at once, which begins no edit', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const get = async (key: string): Promise<Uint8Array> => {
      asked.resolve();
      await gate.promise;
      return bench.storage.get(key);
    };
    let lines = 0;
    // A pod that goes round and round lets nobody else speak, not even a time limit; it does write a line each time.
    const log = pino({
      hooks: {
        logMethod() {
          lines += 1;
          if (lines > 50) throw new Error('the pod goes round and round');
        },
      },
    });
    const first = await bench.deliver(order, { storage: { ...bench.storage, get }, log });
    await asked.promise;
    const second = await bench.deliver(order, { execution: await nextExecution(bench, order, 'delivery') });
    expect((await second.end).code).toBe(exitCodes.verdict);
    const renewed = `select 1 as one from pg_stat_activity
      where datname = current_database() and state = 'idle' and query like '%renew_delivery%'`;
    await waitFor(async () => (await bench.ledger.rows(renewed)).length > 0, { what: 'a renewal', within: 30_000 });
    gate.resolve();
    expect(await first.end.catch(String)).toMatchObject({ code: exitCodes.superseded });
    expect(await edits(bench)).toEqual(['shown']);
  });
});

describe('a stored video that cannot be read', () => {
  it('is waited for, and no edit begins without it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    const [row] = await bench.ledger.rows("select video_key from ledger.attempts where state = 'succeeded'");
    const path = bench.storage.path(String(row?.['video_key']));
    await rename(path, `${path}.away`);
    const runner = await bench.deliver(order);
    await waitFor(() => bench.lines.some((line) => line.includes('delivery goes on')), { what: 'a first try' });
    expect(await edits(bench)).toEqual([]);
    await rename(`${path}.away`, path);
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.hold(order)).toEqual(captured);
  });
});

describe('SIGTERM', () => {
  it('during the edit waits for its answer and writes it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: 1 });
    const runner = await bench.deliver(order);
    await waitFor(async () => (await calls(bench, order, 'editMessageMedia')).length === 1, { what: 'the edit' });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.hold(order)).toEqual(captured);
  });

  it('between two edits begins none', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.stored();
    await bench.telegramFault({ method: 'editMessageMedia', fault: '429', retry_after: 5 });
    const runner = await bench.deliver(order);
    await waitFor(async () => (await edits(bench))[0] === 'refused retry', { what: 'the refusal' });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    expect(await calls(bench, order, 'editMessageMedia')).toHaveLength(1);
  });
});
