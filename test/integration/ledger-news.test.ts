import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { placeOrders } from '../../src/order/placement.ts';
import { listen } from '../../src/postgres/listen.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { TestLedger } from '../support/ledger.ts';
import { waitFor } from '../support/wait.ts';

let ledger: TestLedger;
let heard: string[] = [];
let listening: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  ledger = await TestLedger.open();
  const ready = Promise.withResolvers<void>();
  listening = listen(ledger.controllerUrl, 'neurocards_relay', (payload) => heard.push(payload), stop.signal, {
    onReconnect: ready.resolve,
  });
  await ready.promise;
});
beforeEach(() => {
  heard = [];
});
afterAll(async () => {
  stop.abort();
  await listening;
  await ledger.close();
});

/** Notifications come in the order of their commits: when this one is here, all earlier ones are. */
async function everythingSaid(): Promise<void> {
  await ledger.superuser.query("select pg_notify('neurocards_relay', 'marker')");
  await waitFor(() => heard.includes('marker'), { what: 'the marker' });
}

it('a placed order is told when its transaction has committed, and not before', async () => {
  const placement = ledger.placement(await ledger.person());
  const orderId = placement.orders[0]?.orderId ?? '';
  await inTransaction(ledger.bot, async (database) => {
    expect(await placeOrders(database, placement)).toMatchObject({ outcome: 'placed' });
    await everythingSaid();
    expect(heard).toEqual(['marker']);
  });
  await waitFor(() => heard.includes(orderId), { what: 'the order', within: 3_000 });
});

it('nothing is told of what was rolled back', async () => {
  const pool = createPool(ledger.botUrl, { applicationName: 'rolls back', max: 2 });
  const placement = ledger.placement(await ledger.person());
  const undone = inTransaction(pool, async (database) => {
    await placeOrders(database, placement);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  // It says what it has to say before it ends.
  await pool.end();
  await everythingSaid();
  expect(heard).toEqual(['marker']);
});

it('a program that ends has told everything before', async () => {
  const pool = createPool(ledger.botUrl, { applicationName: 'ends', max: 1 });
  const placement = ledger.placement(await ledger.person());
  await inTransaction(pool, (database) => placeOrders(database, placement));
  await pool.end();
  await everythingSaid();
  expect(heard).toEqual([placement.orders[0]?.orderId, 'marker']);
});

it('for whoever is no program of ours PostgreSQL tells by itself, in the same transaction too', async () => {
  const [first, second] = [ledger.placement(await ledger.person()), ledger.placement(await ledger.person())];
  await inTransaction(ledger.bot, async (database) => {
    await placeOrders(database, first);
    await database.query('select ledger.place_orders($1)', [JSON.stringify(second)]);
  });
  const both = [first, second].map(({ orders }) => orders[0]?.orderId ?? '');
  await waitFor(() => both.every((orderId) => heard.includes(orderId)), { what: 'both orders', within: 3_000 });
});
