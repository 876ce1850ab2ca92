import { expect, test } from 'vitest';
import { z } from 'zod';
import { createKubeClient } from '../../src/kube/client.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { startBotRig } from '../support/bot.ts';
import { waitFor } from '../support/wait.ts';

const order = z.object({
  order_id: z.string(),
  message_id: z.coerce.number(),
  product_text: z.string(),
  photo_key: z.string(),
});

test('a person goes from /start to a placed order whose VideoJob the API server has', async () => {
  const bot = await startBotRig();
  const anna = bot.customer(101);
  await anna.upToConfirmation();
  const confirmation = await anna.seeText('Ready to create');
  const tap = await anna.press('create');
  expect(tap).toMatchObject({ answered: true, text: 'Accepted!', messageId: confirmation.message_id });

  const orders = await bot.rows('select * from ledger.orders', [], order);
  expect(orders).toHaveLength(1);
  const placed = orders[0];
  if (placed === undefined) throw new Error('no order');
  // The tapped message is the progress message now.
  expect(placed.message_id).toBe(confirmation.message_id);
  expect(placed.product_text).toBe('A coffee cup that keeps warm for an hour');
  expect(placed.photo_key).toMatch(/^[0-9a-f]{16}\/[0-9a-f]{64}\.jpg$/);
  const accepted = await anna.seeText('Order accepted');
  expect(accepted.message_id).toBe(confirmation.message_id);

  const kube = createKubeClient({ kubeconfig: bot.namespace.kubeconfig, userAgent: 'test' });
  const target = { namespace: bot.namespace.name, name: `vj-${placed.order_id}` };
  const created = await waitFor(() => kube.find(VIDEOJOBS, target), { what: 'the VideoJob' });
  expect(created.metadata.finalizers).toContain('neurocards.io/settlement');
  await kube.patch(VIDEOJOBS, target, { metadata: { finalizers: null } });
  await kube.close();
});
