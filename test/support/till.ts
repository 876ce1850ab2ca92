import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createCheckouts } from '../../src/bot/checkout.ts';
import type { Intake } from '../../src/bot/intake.ts';
import { type ReceiverState, receive } from '../../src/bot/receiver.ts';
import { reconcile } from '../../src/bot/reconciliation.ts';
import { refundPayments } from '../../src/bot/refunds.ts';
import { createInvoice } from '../../src/ledger/payments.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { createTelegramClient } from '../../src/telegram/client.ts';
import { updateSchema } from '../../src/telegram/update.ts';
import { createTestDatabase } from './database.ts';
import { TestLedger, type TestPerson } from './ledger.ts';
import { startRig, TOKEN } from './telegram.ts';
import { waitFor } from './wait.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const paid = z.looseObject({
  ok: z.boolean(),
  charge_id: z.string().optional(),
  error_message: z.string().optional(),
});
const checkoutUpdate = z.looseObject({ pre_checkout_query: z.looseObject({ id: z.string() }).optional() });
const balance = z.object({ available: z.number(), held: z.number(), debt: z.number() });
const begun = z.looseObject({ outcome: z.string(), because: z.string().nullable(), available: z.number() });
const words = z.object({ chat_id: z.coerce.number(), replies: z.array(z.looseObject({ html: z.string() })) });

export interface Bill {
  invoiceId: string;
  messageId: number;
  chatId: number;
  stars: number;
}

/** What is sold here: 10 credits for 25 Stars. */
export const sale = { package: 'ten', credits: 10, stars: 25 };

export type Till = Awaited<ReturnType<typeof openTill>>;

/** Everything of the bot that takes money, against a real PostgreSQL and the Telegram stand-in over HTTP. Closed with its test. */
export async function openTill() {
  const [database, telegram] = await Promise.all([createTestDatabase(), startRig()]);
  const ledger = await TestLedger.open(database);
  onTestFinished(() => telegram.erase());
  const client = createTelegramClient({ token: TOKEN, apiRoot: telegram.url });
  const outcomes: string[] = [];
  await ledger.admin.query(`select ledger.set_package($1, $2, $3, true, 'test', 'on sale')`, [
    sale.package,
    sale.credits,
    sale.stars,
  ]);

  /** Another door of the same shop, for instance with its own way to PostgreSQL. */
  const intakeOn = (pool: DatabasePool): Intake => ({
    pool,
    checkouts: createCheckouts({ database: pool, telegram: client, log }),
    contact: '@a_human',
    log,
    onBooked: (source, outcome) => outcomes.push(`${source} ${outcome}`),
  });
  const intake = intakeOn(ledger.bot);
  const holding = (hold: () => Promise<void>) => ({
    refundStars: async (telegramId: number, chargeId: string): Promise<void> => {
      await client.refundStars(telegramId, chargeId);
      await hold();
    },
  });

  return {
    database,
    ledger,
    telegram,
    client,
    log,
    intake,
    intakeOn,
    /** What was booked, in its order: `update booked`. */
    outcomes,

    /** Polls until the test has finished, or until what it answers is called. */
    receiving(through: Intake = intake, leaseSeconds = 5): () => Promise<void> {
      const stopping = new AbortController();
      const state: ReceiverState = { mode: 'starting', lastGoodAt: 0 };
      const over = receive(
        { intake: through, telegram: client, owner: randomUUID(), leaseSeconds, signal: stopping.signal },
        state,
      );
      const stop = async (): Promise<void> => {
        stopping.abort();
        await over;
      };
      onTestFinished(stop);
      return stop;
    },

    /** A person with so many credits of the house, whose chat exists. */
    async person(credits = 0): Promise<TestPerson> {
      const person = await ledger.person(credits);
      await telegram.say(person.chatId, '/start');
      return person;
    },

    async bill({ userId, chatId }: TestPerson): Promise<Bill> {
      const invoice = await createInvoice(ledger.bot, userId, sale.package);
      if (invoice.outcome !== 'created') throw new Error(`no bill: ${invoice.outcome}`);
      return this.send(chatId, invoice.invoiceId, invoice.stars);
    },

    /** Sends a bill with any payload and price. */
    async send(chatId: number, invoiceId: string, stars: number): Promise<Bill> {
      const bill = { chatId, title: 'credits', description: 'ten of them', payload: invoiceId, stars };
      return { invoiceId, chatId, stars, messageId: await client.sendInvoice(bill) };
    },

    /** Pays a bill; answers the charge, or the words that refused it. With `lose` no update tells of it. */
    async pay(bill: Bill, lose = false): Promise<{ chargeId: string | undefined; refusal: string | undefined }> {
      const { json } = await telegram.dev('POST', `chats/${bill.chatId}/payments`, {
        message_id: bill.messageId,
        lose,
      });
      const { charge_id: chargeId, error_message: refusal } = paid.parse(json);
      return { chargeId, refusal };
    },

    /** Pays a bill of ours that must be let through. */
    async paid(bill: Bill, lose = false): Promise<string> {
      const { chargeId, refusal } = await this.pay(bill, lose);
      if (chargeId === undefined) throw new Error(`not paid: ${refusal ?? ''}`);
      return chargeId;
    },

    /** The store takes the Stars back; no update tells of it. */
    takeBack: (chatId: number, chargeId: string) =>
      telegram.dev('POST', `chats/${chatId}/refunds`, { charge_id: chargeId, by: 'store' }),

    reconcile: (through: Intake = intake) =>
      reconcile({ intake: through, telegram: client, owner: randomUUID(), signal: AbortSignal.timeout(60_000) }, true),

    /** A turn of the refunds; `hold` comes between the answer of Telegram and its writing down. */
    refundPayments: (hold: () => Promise<void> = async () => undefined) =>
      refundPayments({ pool: ledger.bot, telegram: holding(hold), owner: randomUUID(), contact: '@a_human', log }),

    /** An operator's order to give a payment back. */
    async beginRefund(chargeId: string, reference: string = randomUUID()) {
      const { rows } = await ledger.admin.query(
        `select ledger.begin_payment_refund($1, $2, 'test', 'asked for it', false) as answer`,
        [chargeId, reference],
      );
      return begun.parse(z.tuple([z.object({ answer: z.unknown() })]).parse(rows)[0].answer);
    },

    async balance({ userId }: TestPerson) {
      const [row] = await ledger.rows('select ledger.balance($1) as balance', [userId]);
      return balance.parse(row?.['balance']);
    },

    /** Everything that was offered so far can no longer be paid. */
    async expire(): Promise<void> {
      await ledger.superuser.query(
        `do $$ begin set local session_replication_role = 'replica';
           update ledger.invoices set created_at = created_at - interval '30 days',
             expires_at = clock_timestamp() - interval '1 second'; end $$`,
      );
    },

    /** Orders and gets videos for so many credits. */
    async spend(person: TestPerson, credits: number): Promise<void> {
      for (let left = credits; left > 0; left -= 1) await ledger.shown(await ledger.claimed(person));
    },

    /** Pays a bill that nobody looked at, while nobody receives: as a blind bot would let it through. */
    async chargeBlindly(bill: Bill): Promise<string> {
      const paying = this.pay(bill);
      const query = await waitFor(
        async () =>
          (await telegram.done('getUpdates', { timeout: 0 }, z.array(checkoutUpdate))).flatMap(
            ({ pre_checkout_query: asked }) => asked ?? [],
          )[0],
        { what: 'the checkout' },
      );
      await telegram.done('answerPreCheckoutQuery', { pre_checkout_query_id: query.id, ok: true }, z.literal(true));
      const { chargeId } = await paying;
      if (chargeId === undefined) throw new Error('it was not charged');
      return chargeId;
    },

    /** What the metrics say of payments. */
    async figures(): Promise<unknown> {
      const [row] = await ledger.rows(`select ledger.figures() -> 'payments' as payments`);
      return row?.['payments'];
    },

    /** Refunds need not wait for their next try. */
    async dueRefunds(): Promise<void> {
      await ledger.superuser.query(
        'update ledger.payment_refunds set due_at = clock_timestamp(), lease_until = null where ended_at is null',
      );
    },

    async refundStates(): Promise<string[]> {
      const rows = await ledger.rows('select state from ledger.payment_refunds order by refund_id');
      return rows.map((row) => z.object({ state: z.string() }).parse(row).state);
    },

    /** What a person was told of payments, or will be. */
    async told({ chatId }: TestPerson): Promise<string[]> {
      const rows = await ledger.rows(
        'select chat_id, replies from bot.inbox where subject is not null and chat_id = $1 order by seq',
        [chatId],
      );
      return rows.flatMap((row) => words.parse(row).replies.map(({ html }) => html));
    },

    /** The update that told of a payment, as it comes from Telegram. */
    paymentUpdate(bill: Bill, chargeId: string, updateId: number, kind: 'successful' | 'refunded' = 'successful') {
      return updateSchema.parse({
        update_id: updateId,
        message: {
          message_id: 9_000 + updateId,
          date: 1_700_000_000,
          chat: { id: bill.chatId, type: 'private' },
          from: { id: bill.chatId, language_code: 'en' },
          [`${kind}_payment`]: {
            currency: 'XTR',
            total_amount: bill.stars,
            invoice_payload: bill.invoiceId,
            telegram_payment_charge_id: chargeId,
          },
        },
      });
    },

    /** A pool on another way to the same database. */
    poolOn(url: string): DatabasePool {
      const pool = createPool(url, { applicationName: 'test-way', max: 8 });
      onTestFinished(() => pool.end());
      return pool;
    },
  };
}
