import type { SourceMutant } from '../source-mutant.ts';

const relaying = { lane: 'integration', file: 'test/integration/bot-relay.test.ts', cluster: true } as const;

const inbox = { lane: 'integration', file: 'test/integration/bot-inbox.test.ts' } as const;
const checkout = { lane: 'integration', file: 'test/integration/payments-checkout.test.ts' } as const;
const booking = { lane: 'integration', file: 'test/integration/payments-booking.test.ts' } as const;

/** Mistakes between Telegram, PostgreSQL and the API server. */
export const botMutants: readonly SourceMutant[] = [
  {
    name: 'treat AlreadyExists as success without comparing the hash',
    file: 'src/order/relay.ts',
    find: "if (posted.specHash === specHash) return 'exists';",
    replace: "if (posted.specHash !== undefined) return 'exists';",
    row: 7,
    caughtBy: relaying,
  },
  {
    name: 'compare with the hash the object says it has',
    file: 'src/bot/video-jobs.ts',
    find: 'computeSpecHash(parsed.data)',
    replace: 'parsed.data.order.specHash',
    row: 7,
    caughtBy: relaying,
  },
  {
    name: 'take a 409 of the API server for a refusal for good',
    file: 'src/bot/video-jobs.ts',
    find: '        if (isAlreadyExists(error)) return existing(kube, target(orderId));\n        if (isKubeError(error) && error.status === 422)',
    replace: '        if (isKubeError(error) && (error.status === 422 || error.status === 409))',
    row: 7,
    caughtBy: relaying,
  },
  {
    name: 'close an order because the API server would not have it now',
    file: 'src/bot/video-jobs.ts',
    find: 'error.status === 422',
    replace: 'error.status >= 400',
    row: 10,
    caughtBy: relaying,
  },
  {
    name: 'let every checkout through',
    file: 'src/bot/checkout.ts',
    find: "    if (check?.ok === true) return { answer: 'ok', language } as const;",
    replace: "    if (check !== null) return { answer: 'ok', language } as const;",
    row: 42,
    caughtBy: { ...checkout, test: 'a bill is paid once' },
  },
  {
    name: 'let a checkout through while PostgreSQL is away',
    file: 'src/bot/checkout.ts',
    find: "  return { answer: 'unavailable', language: spoken } as const;",
    replace: "  return { answer: 'ok', language: spoken } as const;",
    row: 42,
    caughtBy: { ...checkout, test: 'with PostgreSQL away' },
  },
  {
    name: 'confirm updates before they are stored',
    file: 'src/bot/receiver.ts',
    find: '      offset = offsetAfter(batch, failed, log) ?? offset;',
    replace: '      offset = batch.next ?? offset;',
    row: 42,
    caughtBy: { ...booking, test: 'the receiver does not confirm' },
  },
  {
    name: 'confirm behind an update that was not stored',
    file: 'src/bot/batch.ts',
    find: 'return Math.min(...ids);',
    replace: 'return Math.max(...ids);',
    row: 1,
    caughtBy: { lane: 'unit', file: 'src/bot/batch.test.ts' },
  },
  {
    name: 'book a payment beside the transaction of its update',
    file: 'src/bot/booking.ts',
    find: 'return inTransaction(pool, (transaction) => bookIn(transaction, movement, contact));',
    replace: 'return bookIn(pool, movement, contact);',
    row: 42,
    caughtBy: { ...booking, test: 'is not booked either' },
  },
  {
    name: 'take CHARGE_ALREADY_REFUNDED for a failure',
    file: 'src/failure/telegram.ts',
    find: '/CHARGE_ALREADY_REFUNDED/',
    replace: '/CHARGE_NEVER_HEARD_OF/',
    row: 43,
    caughtBy: { lane: 'unit', file: 'src/failure/telegram.test.ts', test: 'that was made before is done' },
  },
  {
    name: 'store an update twice',
    file: 'src/bot/inbox.ts',
    find: 'on conflict (update_id) do nothing returning 1',
    replace: 'on conflict (update_id) do update set done_at = null, body = excluded.body returning 1',
    row: 4,
    caughtBy: { ...inbox, test: 'that came again' },
  },
  {
    name: 'work on one update in two replicas',
    file: 'src/bot/inbox.ts',
    find: 'order by seq limit 1 for update of this skip locked',
    replace: 'order by seq limit 1',
    row: 5,
    caughtBy: { ...inbox, test: 'to one replica' },
  },
  {
    name: 'work on a chat’s updates beside each other',
    file: 'src/bot/inbox.ts',
    find: 'where earlier.chat_id = this.chat_id and earlier.done_at is null',
    replace: 'where earlier.chat_id is null and earlier.done_at is null',
    row: 5,
    caughtBy: { ...inbox, test: 'keeps the second' },
  },
  {
    name: 'call a lost COMMIT a failure',
    file: 'src/postgres/transaction.ts',
    find: "error.reason === 'Unavailable'",
    replace: "error.reason === 'Login'",
    row: 2,
    caughtBy: { lane: 'integration', file: 'test/integration/postgres-connection.test.ts' },
  },
  {
    name: 'hold the credits of a group in a transaction for each order',
    file: 'src/order/placement.ts',
    find: "  callFunction(database, 'ledger.place_orders', [placement], placed);",
    replace:
      "  placement.orders.slice(1).reduce((before, order, index) => before.then(() => callFunction(database, 'ledger.place_orders', [{ ...placement, nonce: placement.nonce + '/' + index, orders: [order] }], placed)), callFunction(database, 'ledger.place_orders', [{ ...placement, orders: placement.orders.slice(0, 1) }], placed));",
    row: 2,
    caughtBy: { lane: 'integration', file: 'test/integration/ledger-group.test.ts' },
  },
];
