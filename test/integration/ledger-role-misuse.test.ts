import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bookPayment } from '../../src/ledger/payments.ts';
import { forgetPerson } from '../../src/ledger/people.ts';
import { answerPaymentRefund, takePaymentRefunds } from '../../src/ledger/refunds.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { DatabaseError, ruleOf } from '../../src/postgres/errors.ts';
import { buildScene, type Scene } from '../support/forbidden-statements.ts';
import { TestLedger, videoOf } from '../support/ledger.ts';
import { identityOf } from '../support/money-scene.ts';

const roles = ['bot', 'controller', 'runner', 'admin'] as const;
type Role = (typeof roles)[number];

let ledger: TestLedger;
let scene: Scene;
beforeAll(async () => {
  ledger = await TestLedger.open();
  scene = await buildScene(ledger);
});
afterAll(async () => {
  expect(await ledger.violations()).toEqual([]);
  await ledger.close();
});

/** SQLSTATE of what a role is told; `allowed` when it was not refused. */
async function told(role: Role, statement: string): Promise<string> {
  try {
    await ledger.as(role).query(statement);
  } catch (error) {
    if (error instanceof DatabaseError) return error.code ?? error.reason;
    throw error;
  }
  return 'allowed';
}
const forbidden = '42501';

const tables = z.array(z.object({ name: z.string(), column: z.string() }));
const functions = z.array(z.object({ call: z.string() }));

describe.each(roles)('connected as %s', (role) => {
  it('no row of any table can be written, and none read but by an operator', async () => {
    const all = tables.parse(
      await ledger.rows(
        `select relname as name, (select attname from pg_attribute where attrelid = pg_class.oid and attnum > 0 and attidentity = ''
             and not attisdropped order by attnum limit 1) as column
         from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'`,
      ),
    );
    expect(all.length).toBeGreaterThan(25);
    for (const { name, column } of all) {
      const tried = [
        `insert into ledger.${name} default values`,
        `update ledger.${name} set ${column} = ${column}`,
        `delete from ledger.${name}`,
        `truncate ledger.${name} cascade`,
        ...(role === 'admin' ? [] : [`select ${column} from ledger.${name}`]),
      ];
      for (const statement of tried) expect(await told(role, statement), statement).toBe(forbidden);
    }
  });

  it('no function of anybody else can be called, nor one that only functions call', async () => {
    const others = functions.parse(
      await ledger.rows(
        `select format('select ledger.%I(%s)', proname, (
             select string_agg(format('null::%s', format_type(given.type, null)), ', ' order by given.n)
             from unnest(proargtypes::oid[]) with ordinality as given (type, n))) as call
         from pg_proc where pronamespace = 'ledger'::regnamespace and prorettype <> 'trigger'::regtype
           and not has_function_privilege($1, oid, 'execute')`,
        [role],
      ),
    );
    expect(others.length).toBeGreaterThan(50);
    for (const { call } of others) expect(await told(role, call), call).toBe(forbidden);
  });
});

describe('with the functions that each role has', () => {
  /** Everything that says how orders of the scene ended, and what everybody has. */
  const books = (): Promise<unknown> =>
    ledger.rows(
      `select (select jsonb_agg(h order by order_id) from ledger.holds as h where order_id = any ($1)) as holds,
         (select jsonb_agg(t order by transfer_id) from ledger.transfers as t) as transfers,
         (select jsonb_agg(a order by account_id) from ledger.accounts as a) as accounts`,
      [[scene.captured.orderId, scene.released.orderId]],
    );

  it('an order that is settled stays as it was settled', async () => {
    const before = await books();
    for (const { orderId, uid, userId } of [scene.captured, scene.released]) {
      const video = JSON.stringify(videoOf(orderId));
      const [row] = await ledger.rows('select attempt_id from ledger.attempts where order_id = $1', [orderId]);
      const attempt = Number(row?.['attempt_id']);
      const calls: Readonly<Record<Role, readonly string[]>> = {
        bot: [
          `select ledger.cancel_order('${orderId}', ${userId})`,
          ...['Clock', 'Deleted', 'InvalidSpec', 'DeliveryOver'].map(
            (request) => `select ledger.close_order('${orderId}', null, '${request}')`,
          ),
          `select ledger.ask_showing('${orderId}', ${userId})`,
          `select ledger.shown('${orderId}', '${randomUUID()}', 9, 'file')`,
        ],
        controller: [
          ...['Clock', 'Verdict', 'Deleted', 'InvalidSpec', 'DeliveryOver'].map(
            (request) => `select ledger.close_order('${orderId}', '${uid}', '${request}')`,
          ),
          `select ledger.cancel_claimed_order('${orderId}', '${uid}')`,
          `select ledger.open_attempt('${orderId}', '${uid}', 2)`,
          `select ledger.open_execution('${orderId}', '${uid}', 'delivery', 9, 'pod')`,
          `select ledger.close_overdue_holds()`,
          ...[0, 1, 2].map((fence) => `select ledger.succeed_attempt(${attempt}, ${fence}, '${video}')`),
        ],
        runner: [
          `select ledger.lease_attempt('${orderId}', '${uid}', 9, 'me')`,
          `select ledger.lease_delivery('${orderId}', '${uid}', 9, 'me')`,
          ...[0, 1, 2].map((fence) => `select ledger.begin_edit('${orderId}', ${fence}, '${randomUUID()}')`),
          `select ledger.shown('${orderId}', '${randomUUID()}', 9, 'file')`,
        ],
        admin: [
          `select ledger.close_order('${orderId}', null, 'Forfeit')`,
          `select ledger.close_order_by_admin('${orderId}', '${randomUUID()}', 'me', 'because', false)`,
        ],
      };
      for (const role of roles) {
        for (const call of calls[role]) {
          expect(await told(role, call), `${role}: ${call}`).not.toBe(forbidden);
          expect(await books(), `${role}: ${call}`).toEqual(before);
        }
      }
    }
  });

  it('the bot makes no credits: not by a payment it makes up, a refund it takes back, or somebody else’s order', async () => {
    const { buyer, openInvoice, paid } = scene.money;
    const said = { ...paid, chargeId: randomUUID() };
    const before = await books();
    // Of an invoice it can only say that it was paid, once, for what it says itself: it is the one who hears it from Telegram.
    expect(await bookPayment(ledger.bot, { ...said, stars: 1 })).toMatchObject({ outcome: 'unmatched' });
    expect(await bookPayment(ledger.bot, { ...said, chargeId: randomUUID() })).toMatchObject({ because: 'paid' });
    expect(
      await bookPayment(ledger.bot, { ...said, chargeId: randomUUID(), invoiceId: openInvoice, telegramId: 5 }),
    ).toMatchObject({ because: 'other-person' });
    const [refund] = await takePaymentRefunds(ledger.bot, 'bot', 1);
    await answerPaymentRefund(ledger.bot, refund?.refundId ?? 0, { kind: 'done' });
    await answerPaymentRefund(ledger.bot, refund?.refundId ?? 0, { kind: 'refused', words: 'no' });
    await answerPaymentRefund(ledger.bot, 999_999, { kind: 'refused', words: 'no' }).catch(() => undefined);
    expect(await books()).toEqual(before);
    const secret = scene.money.forgotten;
    expect(await forgetPerson(ledger.bot, secret.userId, identityOf(1), 0).catch(ruleOf)).toBe(
      'forgotten_person_is_known',
    );
    expect(buyer.userId).not.toBe(scene.stranger.userId);
    expect(await closeOrder(ledger.bot, scene.open.orderId, null, 'Clock')).toMatchObject({ settled: null });
  });
});
