import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../dev/port.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { type BotRig, pressesOf, startBotRig, wordsOf } from '../support/bot.ts';
import { takeOver } from '../support/placed-order.ts';
import { waitFor } from '../support/wait.ts';

const personRow = z.object({
  user_id: z.coerce.number(),
  telegram_id: z.coerce.number().nullable(),
  identity_hmac: z.string().nullable(),
  consented_at: z.date().nullable(),
});
const orderRow = z.object({ order_id: z.string() });
const pepper = 'a pepper that is used by tests alone';
const hmacOf = (chat: number): string => createHmac('sha256', pepper).update(String(chat)).digest('hex');

/** One bot serves most of these tests, each with customers of its own. */
let bot: BotRig;
beforeAll(async () => {
  bot = await startBotRig();
});
afterAll(() => bot.end());

const peopleOf = (rig: BotRig, chat: number) =>
  rig.rows(
    `select user_id, telegram_id, identity_hmac, consented_at from ledger.people
     where telegram_id = $1 or identity_hmac = $2`,
    [chat, hmacOf(chat)],
    personRow,
  );

async function personOf(chat: number, rig = bot): Promise<z.infer<typeof personRow>> {
  const [person, another] = await peopleOf(rig, chat);
  if (person === undefined || another !== undefined) throw new Error('not one person');
  return person;
}

/** Every table that still holds these words or digits. */
async function tablesWith(rig: BotRig, words: string): Promise<string[]> {
  const tables = await rig.rows(
    `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('bot', 'ledger') order by 1`,
    [],
    z.object({ name: z.string() }),
  );
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await rig.rows(
        `select 1 as one from ${name} as row where row::text like $1 limit 1`,
        [`%${words}%`],
        z.unknown(),
      );
      return rows.length > 0 ? [name] : [];
    }),
  );
  return found.flat();
}

const expiring = z.object({ ttlSecondsAfterFinished: z.number() });

async function ttlOf(rig: BotRig, order: string): Promise<number> {
  const found = await rig.kube.find(VIDEOJOBS, { namespace: rig.namespace.name, name: `vj-${order}` });
  return expiring.parse(found?.spec).ttlSecondsAfterFinished;
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function member(chat: number, rig = bot) {
  const customer = rig.customer(chat);
  await customer.say('/start');
  await customer.press('accept');
  await customer.seeText('Send a photo of your product');
  return customer;
}

/** Somebody with one finished order. */
async function buyer(chat: number, words: string, rig = bot) {
  const customer = rig.customer(chat);
  await customer.upToConfirmation(words);
  await customer.press('create');
  await customer.seeText('Order accepted');
  const [order] = await rig.rows('select order_id from ledger.orders where chat_id = $1', [chat], orderRow);
  if (order === undefined) throw new Error('no order was placed');
  const finish = async (): Promise<void> => {
    const outside = await takeOver(rig.database, order.order_id);
    await outside.accepted();
    await outside.succeeded();
    await outside.editing();
    await outside.shown();
    await customer.seeText('Your video is ready, it is above');
  };
  return { customer, order: order.order_id, finish };
}

const grant = (chat: number, credits: number) =>
  bot.rows(
    `select ledger.grant_by_admin(user_id, $2, $3, 'test', 'test', false) from ledger.people where telegram_id = $1`,
    [chat, credits, `test-${chat}-${credits}`],
    z.unknown(),
  );

test('a person has everything deleted, and neither their number nor their words are left in any table', async () => {
  const chat = 8_012_345_671;
  const { customer, order, finish } = await buyer(chat, 'A teapot called Zanzibar');
  await finish();
  await mkdir(join(bot.storage, order), { recursive: true });
  await writeFile(join(bot.storage, order, 'a'.repeat(64)), 'the video');
  await customer.sendPhoto();
  await waitFor(async () => (await filesIn(bot.storage)).length === 3, { what: 'two photos and a video to be kept' });
  await customer.seeText('describe the product');
  await customer.say('A draft called Zanzibar');
  await customer.seeButton('template');
  const before = await personOf(chat);

  await customer.say('/delete');
  const asked = await customer.seeText('Delete everything that is yours here?');
  expect(wordsOf(asked)).toContain('You lose 2 credits');
  expect(pressesOf(asked).map((press) => press.kind)).toEqual(['forget', 'keep']);
  expect((await customer.press('forget')).data).toMatch(/^f:[a-z2-7]{16}$/);
  await customer.seeText('Everything is deleted');

  expect(await personOf(chat)).toEqual({
    user_id: before.user_id,
    telegram_id: null,
    identity_hmac: hmacOf(chat),
    consented_at: null,
  });
  await waitFor(async () => (await tablesWith(bot, String(chat))).length === 0, { what: 'the number to be gone' });
  expect(await tablesWith(bot, 'Zanzibar')).toEqual([]);
  expect(await bot.rows('select * from ledger.violations', [], z.unknown())).toEqual([]);
  const target = { namespace: bot.namespace.name, name: `vj-${order}` };
  await expect.poll(() => ttlOf(bot, order), { timeout: 10_000 }).toBe(0);
  await waitFor(async () => (await bot.rows('select name from bot.erasures', [], z.unknown())).length === 0, {
    what: 'everything written down to be erased',
  });
  expect(await filesIn(bot.storage)).toEqual([]);
  await bot.kube.patch(VIDEOJOBS, target, { metadata: { finalizers: null } });
});

describe('nothing is deleted', () => {
  test('while orders are open: it says which', async () => {
    const { customer, order, finish } = await buyer(802, 'A cup');
    await customer.say('/delete');
    const told = await customer.seeText('Orders are still under way');
    expect(wordsOf(told)).toContain(order);
    expect(pressesOf(told)).toEqual([]);
    expect(await personOf(802)).toMatchObject({ telegram_id: 802 });
    await finish();
    await customer.say('/delete');
    await customer.press('forget');
    await customer.seeText('Everything is deleted');
  });

  test('when an order was placed after the question', async () => {
    const customer = await member(803);
    await customer.draft();
    await customer.say('/delete');
    const asked = await customer.seeButton('forget');
    await customer.press('create');
    await customer.seeText('Order accepted');
    const [press] = pressesOf(asked);
    await customer.pressData(asked.message_id, `f:${press?.kind === 'forget' ? press.nonce : ''}`);
    await customer.seeText('Orders are still under way');
    expect(await personOf(803)).toMatchObject({ telegram_id: 803 });
  });

  test('when the figure is another one by then: the question is asked again with the new one', async () => {
    const customer = await member(804);
    await customer.say('/delete');
    const asked = await customer.seeText('You lose 3 credits');
    await grant(804, 5);
    const tap = await customer.press('forget');
    const changed = await customer.seeText('You lose 8 credits');
    expect(changed.message_id).toBe(asked.message_id);
    expect(wordsOf(changed)).toContain('have changed since you were asked');
    expect(await personOf(804)).toMatchObject({ telegram_id: 804 });
    expect((await customer.pressData(tap.messageId, tap.data)).text).toContain('out of date');
    expect(await personOf(804)).toMatchObject({ telegram_id: 804 });
    await customer.press('forget');
    await customer.seeText('Everything is deleted');
    const lost = await bot.rows(
      `select amount from ledger.transfers where kind = 'forfeit' and user_id = $1`,
      [(await personOf(804)).user_id],
      z.object({ amount: z.coerce.number() }),
    );
    expect(lost).toEqual([{ amount: 8 }]);
  });

  test('with somebody else’s button, a made-up one, an old question’s, or one that lay about for an hour', async () => {
    const [anna, boris] = [await member(805), await member(806)];
    await anna.say('/delete');
    const first = await anna.seeButton('forget');
    await boris.say('/delete');
    const his = await boris.seeButton('forget');
    const nonceOf = (message: typeof first): string => {
      const press = pressesOf(message).find((one) => one.kind === 'forget');
      return press?.kind === 'forget' ? press.nonce : '';
    };
    for (const data of [`f:${nonceOf(first)}`, `q:${nonceOf(first)}`, 'f:aaaaaaaaaaaaaaaa']) {
      expect((await boris.pressData(his.message_id, data)).text, data).toContain('out of date');
    }
    await anna.say('/delete');
    await waitFor(async () => nonceOf(await anna.seeButton('forget')) !== nonceOf(first), { what: 'a new question' });
    expect((await anna.pressData(first.message_id, `f:${nonceOf(first)}`)).text).toContain('out of date');
    await bot.rows(`update bot.forget_requests set asked_at = asked_at - interval '61 minutes'`, [], z.unknown());
    expect((await anna.press('forget')).text).toContain('out of date');
    expect(await personOf(805)).toMatchObject({ telegram_id: 805 });
    expect(await personOf(806)).toMatchObject({ telegram_id: 806 });
  });

  test('by who thinks better of it', async () => {
    const customer = await member(807);
    await customer.say('/delete');
    const asked = await customer.seeButton('keep');
    const [forget] = pressesOf(asked);
    await customer.press('keep');
    await customer.seeText('Nothing was deleted');
    const late = `f:${forget?.kind === 'forget' ? forget.nonce : ''}`;
    expect((await customer.pressData(asked.message_id, late)).text).toContain('out of date');
    expect(await personOf(807)).toMatchObject({ telegram_id: 807 });
  });
});

test('a second tap, an old button and being let in again make nobody known whom we forgot', async () => {
  const { customer, order, finish } = await buyer(808, 'A cup');
  await finish();
  await customer.say('/delete');
  const asked = await customer.seeButton('forget');
  const [press] = pressesOf(asked);
  const data = `f:${press?.kind === 'forget' ? press.nonce : ''}`;
  const taps = await Promise.all([
    customer.pressData(asked.message_id, data),
    customer.pressData(asked.message_id, data),
  ]);
  expect(taps.filter((tap) => tap.text === undefined)).toHaveLength(1);
  await customer.seeText('Everything is deleted');
  expect((await customer.pressData(asked.message_id, `g:${order}:1:1`)).text).toContain('out of date');
  await bot.telegram.dev('PATCH', 'chats/808', { blocked: true });
  await bot.telegram.dev('PATCH', 'chats/808', { blocked: false });
  await waitFor(
    async () => (await bot.rows('select 1 from bot.inbox where done_at is null', [], z.unknown())).length === 0,
    { what: 'every update to be handled' },
  );
  expect(await personOf(808)).toMatchObject({ telegram_id: null });

  // Who writes is back, and has agreed to nothing; of the erased order there is nothing left to repeat.
  await customer.say('/help');
  await customer.seeText('A human being answers here');
  await customer.pressData(asked.message_id, `g:${order}:1:1`);
  await customer.press('accept');
  await customer.seeText('Thank you!');
  expect((await customer.pressData(asked.message_id, `g:${order}:1:1`)).text).toContain('not yours');
  const orders = await bot.rows(
    'select 1 as one from ledger.orders where user_id = $1',
    [(await personOf(808)).user_id],
    z.unknown(),
  );
  expect(orders).toHaveLength(1);
});

test('who returns gets their number back, and with it no second welcome, and the ban', async () => {
  const customer = await member(809);
  const { user_id: userId } = await personOf(809);
  await customer.say('/delete');
  await customer.press('forget');
  await customer.seeText('Everything is deleted');
  await bot.rows('update ledger.people set banned_at = clock_timestamp() where user_id = $1', [userId], z.unknown());

  await customer.say('/start');
  await customer.press('accept');
  await customer.seeText('Your balance: 0 credits');
  expect(await personOf(809)).toMatchObject({ user_id: userId, telegram_id: 809, identity_hmac: null });
  const welcomes = await bot.rows(
    `select amount from ledger.transfers where kind = 'welcome' and user_id = $1`,
    [userId],
    z.object({ amount: z.coerce.number() }),
  );
  expect(welcomes).toHaveLength(1);
});

test('VideoJobs are let go though the API server was away and the bot was killed after it forgot', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-away-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const nowhere = join(directory, 'kubeconfig');
  await writeFile(nowhere, kubeconfigOf(`http://127.0.0.1:${await freePort()}`));
  const rig = await startBotRig({ KUBECONFIG: nowhere });
  const { customer, order, finish } = await buyer(810, 'A cup', rig);
  // An earlier bot had posted it.
  const [posted] = await rig.rows('select video_job from ledger.orders', [], z.object({ video_job: z.string() }));
  await rig.kube.create(VIDEOJOBS, rig.namespace.name, posted?.video_job ?? '');
  await finish();
  await customer.say('/delete');
  await customer.press('forget');
  await customer.seeText('Everything is deleted');
  const left = () =>
    rig.rows(`select name from bot.erasures where kind = 'video-job'`, [], z.object({ name: z.string() }));
  await waitFor(() => rig.lines.some((line) => line.includes('was not erased')), { what: 'a patch in vain' });
  expect(await left()).toEqual([{ name: `vj-${order}` }]);
  expect(await (await fetch(`${rig.url()}/metrics`)).text()).toMatch(/^neurocards_erasure_oldest_seconds (?!0$)/m);
  await rig.kill();
  // The minute passes for which the patch in vain had taken the row.
  await rig.rows('update bot.erasures set due_at = clock_timestamp()', [], z.unknown());
  await rig.start({ KUBECONFIG: rig.namespace.kubeconfig });
  await waitFor(async () => (await left()).length === 0, { what: 'the row to be worked off' });
  expect(await ttlOf(rig, order)).toBe(0);
  const target = { namespace: rig.namespace.name, name: `vj-${order}` };
  await rig.kube.patch(VIDEOJOBS, target, { metadata: { finalizers: null } });
}, 120_000);

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
