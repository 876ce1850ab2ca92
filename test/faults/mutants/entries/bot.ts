import type { SourceMutant } from '../source-mutant.ts';

const relaying = { lane: 'integration', file: 'test/integration/bot-relay.test.ts', cluster: true } as const;

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
    caughtBy: { lane: 'integration', file: 'test/integration/ledger-order.test.ts' },
  },
];
