import type { SourceMutant } from '../source-mutant.ts';

const checkouts = { lane: 'integration', file: 'test/integration/payments-checkout.test.ts' } as const;
const bookings = { lane: 'integration', file: 'test/integration/payments-booking.test.ts' } as const;
const refunds = { lane: 'integration', file: 'test/integration/payments-refund.test.ts' } as const;
const reconciliation = { lane: 'integration', file: 'test/integration/payments-reconciliation.test.ts' } as const;

/** Mistakes with other people's money, on its way in and back. */
export const paymentMutants: readonly SourceMutant[] = [
  {
    name: 'let a checkout through without looking at what PostgreSQL said',
    file: 'src/bot/checkout.ts',
    find: 'if (check?.ok === true)',
    replace: 'if (check !== undefined)',
    row: 42,
    caughtBy: { ...checkouts, test: 'a bill is paid once' },
  },
  {
    name: 'let a checkout through when PostgreSQL does not answer',
    file: 'src/bot/checkout.ts',
    find: "return { answer: 'unavailable', language: spoken } as const;",
    replace: "return { answer: 'ok', language: spoken } as const;",
    row: 42,
    caughtBy: { ...checkouts, test: 'PostgreSQL away' },
  },
  {
    name: 'look for no checkout while updates are being stored',
    file: 'src/bot/receiver.ts',
    find: 'answerCheckouts(readBatch(waiting, intake.log).read, intake);',
    replace: 'readBatch(waiting, intake.log);',
    row: 42,
    caughtBy: { ...checkouts, test: 'PostgreSQL away' },
  },
  {
    name: 'move the offset before the updates are stored',
    file: 'src/bot/receiver.ts',
    find: '      const failed = await storeBatch(batch, offset, options, held);\n      offset = offsetAfter(batch, failed, log) ?? offset;\n',
    replace:
      '      offset = batch.next ?? offset;\n      const failed = await storeBatch(batch, offset, options, held);\n',
    row: 1,
    caughtBy: { ...bookings, test: 'does not confirm' },
  },
  {
    name: 'confirm a payment that could not be booked',
    file: 'src/bot/batch.ts',
    find: 'return Math.min(...ids);',
    replace: 'return next;',
    row: 42,
    caughtBy: { ...bookings, test: 'does not confirm' },
  },
  {
    name: 'keep to oneself that a booking failed',
    file: 'src/bot/intake.ts',
    find: '    return error;\n',
    replace: '    return undefined;\n',
    row: 42,
    caughtBy: { ...bookings, test: 'booking fails' },
  },
  {
    name: 'let one payment keep the updates of all others out',
    file: 'src/bot/intake.ts',
    find: '  const others = told.filter',
    replace: '  if (failed.length > 0) return failed;\n  const others = told.filter',
    row: 42,
    caughtBy: { ...bookings, test: 'booking fails' },
  },
  {
    name: 'book a payment outside of the transaction that stores it',
    file: 'src/bot/booking.ts',
    find: '  return inTransaction(pool, (transaction) => bookIn(transaction, movement, contact));',
    replace: '  return bookIn(pool, movement, contact);',
    row: 42,
    caughtBy: { ...bookings, test: 'cannot be stored' },
  },
  {
    name: 'tell of one payment each time it is heard of',
    file: 'src/bot/booking.ts',
    find: 'const subject = subjectOf(direction, chargeId);',
    replace: 'const subject = subjectOf(direction, chargeId) + Math.random();',
    row: 43,
    caughtBy: { ...refunds, test: 'told of before' },
  },
  {
    name: 'take a payment that was given back before for one that was not',
    file: 'src/failure/telegram.ts',
    find: "  { pattern: /CHARGE_ALREADY_REFUNDED/, class: 'delivery-network', meaning: 'done' },\n",
    replace: '',
    row: 43,
    caughtBy: { lane: 'unit', file: 'src/failure/telegram.test.ts' },
  },
  {
    name: 'give the credits back on a refusal that may pass',
    file: 'src/failure/telegram.ts',
    find: "return meaning === 'refused' && refundsRefused.test(description) ? 'refused' : 'later';",
    replace: "return meaning === 'refused' ? 'refused' : 'later';",
    row: 43,
    caughtBy: { ...refunds, test: 'whatever else' },
  },
  {
    name: 'never give the credits back',
    file: 'src/failure/telegram.ts',
    find: "return meaning === 'refused' && refundsRefused.test(description) ? 'refused' : 'later';",
    replace: "return 'later';",
    row: 43,
    caughtBy: { ...refunds, test: 'for good' },
  },
  {
    name: 'follow the list past what could not be booked',
    file: 'src/bot/reconciliation.ts',
    find: 'isWhole && last !== undefined',
    replace: 'last !== undefined',
    row: 42,
    caughtBy: { ...reconciliation, test: 'one entry' },
  },
  {
    name: 'read nothing of the list again',
    file: 'src/bot/reconciliation.ts',
    find: 'cursor.seen - readAgain',
    replace: 'cursor.seen',
    row: 42,
    caughtBy: { ...reconciliation, test: 'page by page' },
  },
  {
    name: 'call a list followed that was not',
    file: 'src/bot/reconciliation.ts',
    find: 'if (page.length < pageSize) return isWhole;',
    replace: 'if (page.length < pageSize) return true;',
    row: 42,
    caughtBy: { ...reconciliation, test: 'one entry' },
  },
];
