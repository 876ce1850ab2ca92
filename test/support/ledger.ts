import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { beginEdit, leaseDelivery, recordShown } from '../../src/delivery/delivery.ts';
import {
  answerSubmit,
  beginSubmit,
  type LeasedAttempt,
  leaseAttempt,
  type StoredVideo,
  succeedAttempt,
} from '../../src/generation/attempt.ts';
import type { ByHand } from '../../src/ledger/by-hand.ts';
import { openExecution, type Stage } from '../../src/ledger/executions.ts';
import { grantByAdmin, setPackage } from '../../src/ledger/grants.ts';
import { bookPayment, createInvoice, type SaidPayment } from '../../src/ledger/payments.ts';
import { recordConsent, registerPerson } from '../../src/ledger/people.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { type Observation, observeOrder } from '../../src/order/observation.ts';
import { type Placed, type Placement, placeOrders } from '../../src/order/placement.ts';
import type { Database } from '../../src/postgres/call.ts';
import { createPool, type DatabaseClient, type DatabasePool } from '../../src/postgres/pool.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { buildVideoJob, serializeVideoJob, type VideoJobInput } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';
import { createTestDatabase, type DatabaseRole, type TestDatabase } from './database.ts';
import { passTime } from './time-travel.ts';

const bug = z.object({ invariant: z.string(), subject: z.string(), explanation: z.string() });

export type TestPerson = { readonly userId: number; readonly chatId: number };
export type TestOrder = { readonly orderId: string; readonly uid: string; readonly userId: number };

/** An act of an operator, under a reference of its own. */
export const byHand = (act: Partial<ByHand> = {}): ByHand => ({
  reference: randomUUID(),
  actor: 'tester',
  reason: 'a test',
  dryRun: false,
  ...act,
});

/** The video that was made for an order. */
export function videoOf(orderId: string): StoredVideo {
  const sha256 = 'a'.repeat(64);
  return { key: `${orderId}/${sha256}`, sha256, bytes: 1000, seconds: 5, width: 720, height: 1280 };
}

/** A database of a test's own, reached as each of the roles, and the steps of an order in the words of the product. */
export class TestLedger {
  readonly bot: DatabasePool;
  readonly controller: DatabasePool;
  readonly runner: DatabasePool;
  readonly admin: DatabasePool;
  /** Who owns tables and functions: what the schema refuses here, no code of ours can do. */
  readonly owner: DatabasePool;
  /** The superuser: only to look, and to let time pass. */
  readonly superuser: DatabasePool;
  /** Where a role is let in, for pools of a test's own. */
  readonly runnerUrl: string;
  readonly botUrl: string;
  readonly controllerUrl: string;
  readonly adminUrl: string;
  #people = 0;

  readonly #drop: () => Promise<void>;

  private constructor(database: TestDatabase) {
    const pool = (name: string, url: string): DatabasePool =>
      createPool(url, { applicationName: `test-${name}`, max: 8 });
    const owner = new URL(database.ownerUrl);
    owner.username = 'owner';
    this.runnerUrl = database.urlFor('runner');
    this.botUrl = database.urlFor('bot');
    this.controllerUrl = database.urlFor('controller');
    this.adminUrl = database.urlFor('admin');
    this.bot = pool('bot', database.urlFor('bot'));
    this.controller = pool('controller', database.urlFor('controller'));
    this.runner = pool('runner', database.urlFor('runner'));
    this.admin = pool('admin', database.urlFor('admin'));
    this.owner = pool('owner', owner.href);
    this.superuser = pool('superuser', database.ownerUrl);
    this.#drop = database.drop;
  }

  /** Closed when the test has finished; outside a test (in `beforeAll`) the caller closes it. */
  static async open(database?: TestDatabase): Promise<TestLedger> {
    const ledger = new TestLedger(database ?? (await createTestDatabase()));
    try {
      onTestFinished(() => ledger.close());
    } catch {
      // No test runs in a beforeAll hook: its afterAll closes it.
    }
    return ledger;
  }

  async close(): Promise<void> {
    const pools = [this.bot, this.controller, this.runner, this.admin, this.owner, this.superuser];
    await Promise.all(pools.map((pool) => pool.end()));
    await this.#drop();
  }

  /** Somebody who agreed to the terms and has so many credits, all of them free. `atFirstStart` is what they do before they agree. */
  async person(credits = 100, atFirstStart?: (userId: number) => Promise<void>): Promise<TestPerson> {
    this.#people += 1;
    const chatId = 1_000_000 + this.#people;
    const { userId } = await registerPerson(this.bot, chatId, 'en');
    await atFirstStart?.(userId);
    const { available } = await recordConsent(this.bot, userId, '1');
    if (credits > available) await grantByAdmin(this.admin, userId, credits - available, byHand());
    return { userId, chatId };
  }

  /** Offers a package of this name, at this price in Stars. */
  async offer(packageId: string, credits: number, stars: number): Promise<void> {
    const act = { actor: 'tester', reason: 'a test' };
    await setPackage(this.admin, { packageId, credits, stars, offered: true }, act);
  }

  async invoice(person: TestPerson, packageId: string): Promise<{ invoiceId: string; stars: number }> {
    const made = await createInvoice(this.bot, person.userId, packageId);
    if (made.outcome !== 'created') throw new Error(JSON.stringify(made));
    return made;
  }

  /** What Telegram says when a person has paid an invoice. */
  paymentOf(person: TestPerson, { invoiceId, stars }: { invoiceId: string; stars: number }): SaidPayment {
    const telegramId = person.chatId;
    return { chargeId: randomUUID(), invoiceId, telegramId, currency: 'XTR', stars, source: 'update' };
  }

  /** A person has bought a package. */
  async paid(person: TestPerson, packageId: string): Promise<SaidPayment> {
    const said = this.paymentOf(person, await this.invoice(person, packageId));
    const booked = await bookPayment(this.bot, said);
    if (booked.outcome !== 'booked') throw new Error(JSON.stringify(booked));
    return said;
  }

  /** Lets an invoice's time pass; invoices are history, so that no statement of the product can do this. */
  async expire(invoiceId: string): Promise<void> {
    await inTransaction(this.superuser, async (database) => {
      await database.query("set local session_replication_role = 'replica'");
      await database.query(
        "update ledger.invoices set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day' where invoice_id = $1",
        [invoiceId],
      );
    });
  }

  placement(person: TestPerson, count = 1, spec: Partial<VideoJobInput> = {}): Placement {
    const orders = Array.from({ length: count }, () => {
      const manifest = buildVideoJob({
        orderId: newOrderId(),
        userId: person.userId,
        credits: 1,
        photo: 'photo/1',
        template: 'ugc',
        generation: { provider: 'kie', model: 'model/1' },
        signingKey: 'test',
        ...spec,
      });
      const { id, specHash } = manifest.spec.order;
      return { orderId: id, videoJob: serializeVideoJob(manifest), specHash };
    });
    return {
      userId: person.userId,
      nonce: randomUUID(),
      unitPrice: 1,
      requestHash: 'hash',
      chatId: person.chatId,
      messageId: 7,
      language: 'en',
      template: 'ugc',
      productText: 'a cup',
      wishes: null,
      photoKey: 'photo/1',
      repeats: null,
      orders,
    };
  }

  place(placement: Placement): Promise<Placed> {
    return inTransaction(this.bot, (database) => placeOrders(database, placement));
  }

  /** Placed and claimed, and admitted as far as there is room. */
  async claimed(person: TestPerson, spec: Partial<VideoJobInput> = {}): Promise<TestOrder> {
    const placement = this.placement(person, 1, spec);
    await this.place(placement);
    const [order] = placement.orders;
    if (order === undefined) throw new Error('a placement without an order');
    const uid = randomUUID();
    await claimOrder(this.controller, order.orderId, uid, order.specHash);
    return { orderId: order.orderId, uid, userId: person.userId };
  }

  /** An order that a bot placed, claimed here unless a controller did. */
  async adopted(orderId: string): Promise<TestOrder> {
    const uid = randomUUID();
    const row = z.object({ spec_hash: z.string(), user_id: z.coerce.number() });
    const [found] = await this.rows('select spec_hash, user_id from ledger.orders where order_id = $1', [orderId]);
    const { spec_hash: specHash, user_id: userId } = row.parse(found);
    await claimOrder(this.controller, orderId, uid, specHash);
    return { orderId, uid, userId };
  }

  async execution(order: TestOrder, stage: Stage = 'generation'): Promise<number> {
    const seen = await this.observe(order);
    const n = (stage === 'generation' ? seen.generationExecutions : seen.deliveryExecutions).length + 1;
    const opened = await openExecution(this.controller, order.orderId, order.uid, stage, n);
    if (opened.outcome !== 'opened') throw new Error(JSON.stringify(opened));
    return n;
  }

  async leased(order: TestOrder, execution?: number, owner: string = randomUUID()): Promise<LeasedAttempt> {
    const n = execution ?? (await this.execution(order));
    const lease = await leaseAttempt(this.runner, order.orderId, order.uid, n, owner);
    if (lease.outcome !== 'leased') throw new Error(JSON.stringify(lease));
    return lease;
  }

  /** An attempt with a submit begun and not answered. */
  async submitting(order: TestOrder, execution?: number): Promise<{ lease: LeasedAttempt; nonce: string }> {
    const lease = await this.leased(order, execution);
    const nonce = randomUUID();
    const begun = await beginSubmit(this.runner, lease.attemptId, lease.fence, nonce);
    if (!begun.done) throw new Error(begun.because ?? 'not begun');
    return { lease, nonce };
  }

  async accepted(order: TestOrder, execution?: number): Promise<{ lease: LeasedAttempt; nonce: string }> {
    const begun = await this.submitting(order, execution);
    await answerSubmit(this.runner, begun.nonce, { kind: 'accepted', taskId: `task-${begun.nonce}` });
    return begun;
  }

  async succeeded(order: TestOrder, execution?: number): Promise<LeasedAttempt> {
    const { lease } = await this.accepted(order, execution);
    await this.stored(lease);
    return lease;
  }

  /** The video of an accepted task is stored. */
  async stored(lease: LeasedAttempt): Promise<void> {
    const done = await succeedAttempt(this.runner, lease.attemptId, lease.fence, videoOf(lease.orderId));
    if (!done.done) throw new Error(done.because ?? 'not succeeded');
  }

  /** A stored video with one edit begun and not answered. */
  async editing(order: TestOrder, running?: number): Promise<{ fence: number; nonce: string; execution: number }> {
    const execution = running ?? (await this.execution(order, 'delivery'));
    const lease = await leaseDelivery(this.runner, order.orderId, order.uid, execution, randomUUID());
    if (lease.outcome !== 'leased') throw new Error(JSON.stringify(lease));
    const nonce = randomUUID();
    const begun = await beginEdit(this.runner, order.orderId, lease.fence, nonce);
    if (!begun.done) throw new Error(begun.because ?? 'not begun');
    return { fence: lease.fence, nonce, execution };
  }

  /** The whole way to a captured order. */
  async shown(order: TestOrder): Promise<void> {
    await this.succeeded(order);
    const { nonce } = await this.editing(order);
    await recordShown(this.runner, order.orderId, nonce, { messageId: 1, fileId: null });
  }

  async observe(order: { orderId: string }): Promise<Observation> {
    const seen = await observeOrder(this.controller, order.orderId);
    if (seen === null) throw new Error(`order ${order.orderId} is unknown`);
    return seen;
  }

  /** Every row is a bug. */
  async violations(): Promise<z.infer<typeof bug>[]> {
    const { rows } = await this.superuser.query('select * from ledger.violations');
    return z.array(bug).parse(rows);
  }

  /** A transaction that is left open; rolled back with its test where the test has not ended it. */
  async begun(pool: DatabasePool = this.bot): Promise<DatabaseClient> {
    const client = await pool.connect();
    await client.query('begin');
    onTestFinished(() => client.query('rollback').then(() => client.release()));
    return client;
  }

  /** How many connections to this database wait for a lock. */
  async waiting(): Promise<number> {
    return (
      await this.rows(
        "select 1 as one from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
    ).length;
  }

  async rows(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return z.array(z.record(z.string(), z.unknown())).parse((await this.superuser.query(sql, values)).rows);
  }

  /** Lets so many seconds pass for one order, by moving everything that is known of it into the past. */
  async pass(order: { orderId: string }, seconds: number): Promise<void> {
    await inTransaction(this.superuser, (database) => passTime(database, order.orderId, seconds));
  }

  /** Moves the capture of an order so many days into the past. */
  async captureEarlier(order: { orderId: string }, days: number): Promise<void> {
    await inTransaction(this.superuser, async (database) => {
      await database.query("set local session_replication_role = 'replica'");
      await database.query(
        'update ledger.holds set settled_at = settled_at - make_interval(days => $2) where order_id = $1',
        [order.orderId, days],
      );
    });
  }

  /** A role's own view of a call, for what it may not do. */
  as(role: DatabaseRole): Database {
    return this[role];
  }
}
