import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../dev/port.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { type BotRig, startBotRig } from '../support/bot.ts';
import { waitFor } from '../support/wait.ts';

const orderRow = z.object({
  order_id: z.string(),
  message_id: z.coerce.number(),
  product_text: z.string(),
  photo_key: z.string(),
});

async function onlyOrder(bot: BotRig): Promise<z.infer<typeof orderRow>> {
  const orders = await bot.rows('select * from ledger.orders', [], orderRow);
  const [order] = orders;
  if (order === undefined || orders.length > 1) throw new Error(`${orders.length} orders`);
  return order;
}

/** Waits for the order's VideoJob, and lets it go again: no controller takes its finalizer off here. */
async function seeVideoJob(bot: BotRig, orderId: string) {
  const target = { namespace: bot.namespace.name, name: `vj-${orderId}` };
  const created = await waitFor(() => bot.kube.find(VIDEOJOBS, target), { what: 'the VideoJob' });
  await bot.kube.patch(VIDEOJOBS, target, { metadata: { finalizers: null } });
  return created;
}

test('a person goes from /start to a placed order whose VideoJob the API server has', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(101);
  await anna.upToConfirmation();
  const confirmation = await anna.seeText('Ready to create');
  const tap = await anna.press('create');
  expect(tap).toMatchObject({ answered: true, text: 'Accepted!', messageId: confirmation.message_id });

  const order = await onlyOrder(bot);
  // The tapped message is the progress message now.
  expect(order.message_id).toBe(confirmation.message_id);
  expect(order.product_text).toBe('A coffee cup that keeps warm for an hour');
  expect(order.photo_key).toMatch(/^[0-9a-f]{16}\/[0-9a-f]{64}\.jpg$/);
  expect((await anna.seeText('Order accepted')).message_id).toBe(confirmation.message_id);
  expect((await seeVideoJob(bot, order.order_id)).metadata.finalizers).toContain('neurocards.io/settlement');
});

test('orders are taken while the API server is away, and posted when it is back', async () => {
  const bot = await startBotRig();
  await bot.stop();
  const nowhere = join(bot.storage, 'kubeconfig');
  await writeFile(nowhere, kubeconfigOf(`http://127.0.0.1:${await freePort()}`));
  await bot.start({ KUBECONFIG: nowhere });
  const anna = bot.customer(102);
  await anna.upToConfirmation();
  await anna.press('create');
  await anna.seeText('Order accepted');
  const order = await onlyOrder(bot);
  await waitFor(() => bot.lines.some((line) => line.includes('the API server was not reached')), {
    what: 'a failed post',
  });
  expect(
    await bot.kube.find(VIDEOJOBS, { namespace: bot.namespace.name, name: `vj-${order.order_id}` }),
  ).toBeUndefined();
  await bot.stop();
  await bot.start();
  await seeVideoJob(bot, order.order_id);
});

test('a dialog goes on after every database connection was cut', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(103);
  await anna.say('/start');
  await anna.press('accept');
  await anna.seeText('Send a photo of your product');
  await bot.rows(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bot'`, [], z.unknown());
  await anna.sendPhoto();
  await anna.seeText('The photo is good');
  await bot.rows(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bot'`, [], z.unknown());
  await anna.say('A cup');
  await anna.seeButton('template');
});

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'none' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
