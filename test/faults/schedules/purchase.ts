import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Complaint } from './oracles.ts';
import type { Play } from './play.ts';

const answer = z.object({
  answer: z.looseObject({ outcome: z.string(), invoiceId: z.string().optional(), stars: z.number().optional() }),
});
const sent = z.object({ result: z.object({ message_id: z.number() }) });
const paid = z.object({ ok: z.boolean(), charge_id: z.string().optional() });
const booked = z.object({ payments: z.coerce.number(), topups: z.coerce.number() });
const state = z.object({ state: z.string() });
const withinMs = 90_000;

/** Sells a package to the person of an order; answers the charge once Telegram has taken the Stars. With `lose` no update tells of it. */
export async function buy(play: Play, { customer: { chat } }: SystemOrder, { lose = false } = {}): Promise<string> {
  const { lane } = play;
  const invoice = await waitFor(
    async () => {
      const sql = `select ledger.create_invoice((select user_id from ledger.people where telegram_id = $1), 'ten') as answer`;
      return (await lane.rows(sql, [chat], answer))[0]?.answer;
    },
    { what: `an invoice for ${chat}`, within: withinMs, every: 500 },
  );
  const messageId = await sendInvoice(play, chat, invoice.invoiceId ?? '', invoice.stars ?? 0);
  // A refused checkout costs nothing; the person taps "Pay" again.
  const charge = await waitFor(async () => (await pay(play, chat, messageId, lose)) ?? false, {
    what: `the payment of ${chat}`,
    within: withinMs,
    every: 1_000,
  });
  play.names(charge);
  play.acknowledged.push({ what: 'payment', key: charge, text: '' });
  return charge;
}

async function sendInvoice(play: Play, chat: number, payload: string, stars: number): Promise<number> {
  const { stack } = play.lane.system;
  const token = stack.environments.bot['NEUROCARDS_TELEGRAM_BOT_TOKEN'] ?? '';
  const response = await fetch(`${stack.endpoints().telegram}/bot${token}/sendInvoice`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ chat_id: chat, title: 'Credits', description: 'Ten credits', payload, currency: 'XTR' },
      prices: [{ label: 'Credits', amount: stars }],
    }),
  });
  return sent.parse(await response.json()).result.message_id;
}

async function pay(play: Play, chat: number, messageId: number, lose: boolean): Promise<string | undefined> {
  const response = await fetch(`${play.lane.system.stack.endpoints().telegram}/dev/chats/${chat}/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message_id: messageId, lose }),
    signal: AbortSignal.timeout(30_000),
  });
  const { ok, charge_id: charge } = paid.parse(await response.json());
  return ok ? charge : undefined;
}

export function untilBooked(play: Play, charge: string): Promise<unknown> {
  return waitFor(async () => (await inBooks(play, charge)).topups === 1, {
    what: `payment ${charge} in the books`,
    within: withinMs,
    every: 200,
  });
}

/** The next look at Telegram's list comes now instead of in a quarter of an hour. */
export async function reconcileNow(play: Play): Promise<void> {
  await play.lane.rows('update bot.reconciliation set due_at = clock_timestamp()', [], z.unknown());
}

/** An operator gives the Stars back; resolves when Telegram and the books agree that it is done. */
export async function refund(play: Play, charge: string): Promise<void> {
  const { lane } = play;
  const reference = randomUUID();
  await waitFor(
    async () => {
      const sql = `select ledger.begin_payment_refund($1, $2, 'bench', 'asked for it', false) as answer`;
      const [begun] = await lane.rows(sql, [charge, reference], answer);
      return ['intent', 'exists'].includes(begun?.answer.outcome ?? '');
    },
    { what: `the refund of ${charge} to begin`, within: withinMs, every: 500 },
  );
  await waitFor(
    async () => {
      // A lease of a killed bot runs out in a minute; the bench does not wait for that.
      await lane.rows(
        'update ledger.payment_refunds set due_at = clock_timestamp() where ended_at is null',
        [],
        z.unknown(),
      );
      const sql =
        'select state from ledger.payment_refunds join ledger.payments using (payment_id) where charge_id = $1';
      return (await lane.rows(sql, [charge], state))[0]?.state === 'done';
    },
    { what: `the refund of ${charge} to be done`, within: withinMs, every: 500 },
  );
}

async function inBooks(play: Play, charge: string): Promise<z.infer<typeof booked>> {
  const sql = `select count(*) as payments, count(transfers.transfer_id) as topups
    from ledger.payments left join ledger.transfers on idempotency_key = 'topup:' || payments.payment_id where charge_id = $1`;
  return (await play.lane.rows(sql, [charge], booked))[0] ?? { payments: 0, topups: 0 };
}

/** Every payment that Telegram took is in the books once, with its credits. */
export async function lostPayments(play: Play): Promise<Complaint[]> {
  const found: Complaint[] = [];
  for (const { what, key } of play.acknowledged) {
    if (what !== 'payment') continue;
    const { payments, topups } = await inBooks(play, key);
    if (payments !== 1 || topups !== 1) {
      const wrong = payments === 0 || topups === 0 ? 'lost' : 'doubled';
      found.push({ wrong, what: `payment ${key} is in the books ${payments} times, with ${topups} top-ups` });
    }
  }
  return found;
}
