import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { announce } from '../../src/bot/notices.ts';
import { failAttempt } from '../../src/generation/attempt.ts';
import { closeOverdueHolds } from '../../src/ledger/audit.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { createLogger } from '../../src/log/logger.ts';
import type { Database } from '../../src/postgres/call.ts';
import { createTelegramClient } from '../../src/telegram/client.ts';
import { TestLedger, type TestOrder } from '../support/ledger.ts';
import { type SeenMessage, startRig, TOKEN } from '../support/telegram.ts';

/** A chat with one order in it, and the bot's announcing over a database that may behave strangely. */
async function chatWithOrder() {
  const [ledger, rig] = await Promise.all([TestLedger.open(), startRig()]);
  onTestFinished(() => rig.erase());
  const person = await ledger.person();
  await rig.say(person.chatId, '/start');
  const sent = z.looseObject({ message_id: z.number() });
  const progress = await rig.done('sendMessage', { chat_id: person.chatId, text: 'progress' }, sent);
  const order = await ledger.claimed(person);
  await ledger.superuser.query('update ledger.orders set message_id = $1', [progress.message_id]);
  const telegram = createTelegramClient({ token: TOKEN, apiRoot: rig.url });
  const log = createLogger({ service: 'bot', level: 'silent' });
  const messages = async (): Promise<SeenMessage[]> =>
    (await rig.chat(person.chatId)).messages.filter(({ from }) => from === 'bot');
  return {
    ledger,
    order,
    rig,
    messages,
    progress: async () => (await messages()).find(({ message_id }) => message_id === progress.message_id)?.text ?? '',
    others: async () =>
      (await messages()).flatMap(({ message_id, text = '' }) => (message_id === progress.message_id ? [] : [text])),
    tell: (database: Database = ledger.bot) => announce({ database, telegram, owner: 'bot', log }),
  };
}

async function failed(ledger: TestLedger, order: TestOrder): Promise<void> {
  const { lease } = await ledger.accepted(order);
  await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'user-policy', 'refused');
  await closeOrder(ledger.controller, order.orderId, order.uid, 'Verdict');
}

afterEach(() => vi.useRealTimers());

it('the button of an unconfirmed video comes though a connection was lost while it was sent', async () => {
  const { ledger, order, rig, tell, others } = await chatWithOrder();
  await ledger.succeeded(order);
  await ledger.editing(order);
  await ledger.pass(order, 90_000);
  await closeOverdueHolds(ledger.controller);
  await rig.dev('POST', 'faults', { method: 'sendMessage', fault: 'drop', times: 1 });
  await tell();
  expect(await others()).toEqual([]);
  await ledger.pass(order, 31);
  await tell();
  expect(await others()).toEqual([expect.stringContaining('Telegram did not confirm it')]);
});

it('a refund is told though a connection was lost while it was told, and no second message tells of it', async () => {
  const { ledger, order, rig, tell, progress, others } = await chatWithOrder();
  await failed(ledger, order);
  await rig.dev('POST', 'faults', { method: 'sendMessage', fault: 'drop', times: 1 });
  await tell();
  await ledger.pass(order, 600);
  await tell();
  expect(await others()).toEqual([]);
  expect(await progress()).toContain('Returned: 1 credit');
});

it('a message is sent once though the database was away right after it', async () => {
  const { ledger, order, tell, others } = await chatWithOrder();
  await failed(ledger, order);
  let away = 3;
  const flaky: Database = {
    query(text, values) {
      if (!text.includes('end_notice') || away === 0) return ledger.bot.query(text, values);
      away -= 1;
      return Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
    },
  };
  await tell(flaky).catch(() => undefined);
  await ledger.pass(order, 26);
  await tell();
  expect(away).toBe(0);
  expect(await others()).toHaveLength(1);
});

it('a bot that slept after it took a notice sends nothing: another one has', async () => {
  const { ledger, order, tell, others } = await chatWithOrder();
  await failed(ledger, order);
  const sleepy: Database = {
    async query(text, values) {
      const answer = await ledger.bot.query(text, values);
      if (!text.includes('take_notices')) return answer;
      await ledger.pass(order, 26);
      await tell();
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 26_000 });
      return answer;
    },
  };
  await tell(sleepy);
  expect(await others()).toHaveLength(1);
});

it('a progress message that comes second to the one of delivery is taken away again', async () => {
  const { ledger, order, tell, messages, progress } = await chatWithOrder();
  const [row] = await ledger.rows('update ledger.orders set message_id = null returning chat_id');
  expect(row).toBeDefined();
  const original = (await messages()).map(({ message_id }) => message_id);
  const late: Database = {
    async query(text, values) {
      if (text.includes('adopt_message')) {
        await ledger.rows('update ledger.orders set message_id = $1', [original[0]]);
      }
      return ledger.bot.query(text, values);
    },
  };
  await tell(late);
  const left = (await messages()).filter(({ deleted }) => deleted !== true);
  expect(left.map(({ message_id }) => message_id)).toEqual(original);
  expect((await messages()).length).toBe(original.length + 1);
  await ledger.accepted(order);
  await tell();
  expect(await progress()).toContain('Making the video');
});
