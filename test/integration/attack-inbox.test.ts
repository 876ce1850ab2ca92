import { expect, it } from 'vitest';
import { z } from 'zod';
import { storeUpdates } from '../../src/bot/inbox.ts';
import { TestLedger } from '../support/ledger.ts';

const chat = { id: 5, type: 'private' };
const from = { id: 5 };

it('what one person sends never keeps the updates of all others out of the inbox', async () => {
  const ledger = await TestLedger.open();
  // A client of somebody's own writes any bytes into a button's data.
  await storeUpdates(ledger.bot, [
    { update_id: 1, callback_query: { id: 'q', from, message: { message_id: 1, chat }, data: 'n\u0000\ud800' } },
    { update_id: 2, message: { message_id: 2, date: 1, chat, from, text: 'a\u0000cup' } },
    {
      update_id: 3,
      message: { message_id: 3, date: 1, chat: { id: 6, type: 'private' }, from: { id: 6 }, text: 'hello' },
    },
  ]);
  const row = z.object({ body: z.looseObject({ message: z.object({ text: z.string() }).optional() }) });
  const rows = await ledger.rows('select body from bot.inbox order by seq');
  expect(rows.map((one) => row.parse(one).body.message?.text)).toEqual([undefined, 'acup', 'hello']);
});
