import { describe, expect, it } from 'vitest';
import { done, storeUpdates, takeUpdate } from '../../src/bot/inbox.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { type Update, updateSchema } from '../../src/telegram/update.ts';
import { TestLedger } from '../support/ledger.ts';

function update(id: number, chat: number): Update {
  const message = { message_id: id, date: 1, chat: { id: chat, type: 'private' }, from: { id: chat }, text: 'hello' };
  return updateSchema.parse({ update_id: id, message });
}

/** What two replicas get that ask at the same moment. */
async function takenByTwo(ledger: TestLedger): Promise<(number | null | undefined)[]> {
  return inTransaction(ledger.bot, async (one) => {
    const first = await takeUpdate(one);
    const second = await inTransaction(ledger.bot, (other) => takeUpdate(other));
    return [first?.update_id, second?.update_id];
  });
}

describe('the inbox', () => {
  it('has an update that came again as done as it was', async () => {
    const ledger = await TestLedger.open();
    await storeUpdates(ledger.bot, [update(1, 10)]);
    await inTransaction(ledger.bot, async (transaction) => {
      const taken = await takeUpdate(transaction);
      if (taken !== undefined) await done(transaction, taken.seq, 'handled');
    });
    await storeUpdates(ledger.bot, [update(1, 10)]);
    expect(await inTransaction(ledger.bot, takeUpdate)).toBeUndefined();
  });

  it('gives one update to one replica', async () => {
    const ledger = await TestLedger.open();
    await storeUpdates(ledger.bot, [update(1, 10), update(2, 20)]);
    expect(await takenByTwo(ledger)).toEqual([1, 2]);
  });

  it('keeps the second of a chat back while the first is worked on', async () => {
    const ledger = await TestLedger.open();
    await storeUpdates(ledger.bot, [update(1, 10), update(2, 10)]);
    expect(await takenByTwo(ledger)).toEqual([1, undefined]);
  });
});
