import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { askShowing } from '../../src/delivery/delivery.ts';
import { grantByAdmin } from '../../src/ledger/grants.ts';
import { readBalance, recordConsent, registerPerson } from '../../src/ledger/people.ts';
import { cancelOrder, closeOrder } from '../../src/ledger/settlement.ts';
import { observeOrder } from '../../src/order/observation.ts';
import { readOwnOrder } from '../../src/order/placement.ts';
import { DatabaseError, ruleOf } from '../../src/postgres/errors.ts';
import { byHand, TestLedger } from '../support/ledger.ts';

const roles = ['bot', 'controller', 'runner', 'admin'] as const;

/** Functions that each role may call; a new one has to be put here by a person. */
const rights: Readonly<Record<(typeof roles)[number], readonly string[]>> = {
  bot: [
    'adopt_message answer_edit answer_payment_refund ask_showing balance begin_showing book_payment book_refunded_payment',
    'cancel_order check_invoice close_order create_invoice end_notice figures forget_person knows_person note_callback objects_of',
    'offered_packages open_orders own_order place_orders postpone_notice record_consent redeem_promo register_person set_language',
    'set_referrer shown take_notices take_orders_to_relay take_payment_refunds take_showings terms',
  ],
  controller: [
    'admit_waiting adopt_callback answer_submit audit_orders begin_submit cancel_claimed_order claim close_order close_overdue_holds',
    'confirm_mark database_facts due_orders end_execution enter_audit_mode fail_attempt figures grant_due_referrals lease_attempt observe open_attempt open_execution postpone_attempt propose_mark record_abandoned',
    'record_photo_url record_prompt record_provider_state record_requests refuse_hint reject_attempt renew_attempt set_suspended',
    'succeed_attempt take_abandoned take_hints take_submit_token vouch_for_database',
  ],
  runner: [
    'adopt_message answer_edit answer_submit begin_edit begin_submit fail_attempt lease_attempt lease_delivery',
    'postpone_attempt record_photo_url record_prompt record_provider_state record_requests reject_attempt renew_attempt',
    'renew_delivery shown succeed_attempt take_submit_token',
  ],
  admin: [
    'audit_orders balance ban_person begin_payment_refund catch_up_order close_order close_order_by_admin database_facts figures',
    'grant_by_admin note_lost_order observe rebuild_order reclaim_order release_object resolve_audit_mode',
    'offered_packages person_by resolve_payment set_package set_promo set_setting terms write_off_by_admin',
  ],
};

const names = z.array(z.object({ name: z.string() }));

describe('the database roles', () => {
  it.each(roles)('%s may call its own functions and no other', async (role) => {
    const ledger = await TestLedger.open();
    const callable = names.parse(
      await ledger.rows(
        `select proname as name from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
         where nspname = 'ledger' and has_function_privilege($1, pg_proc.oid, 'execute') order by 1`,
        [role],
      ),
    );
    expect(callable.map(({ name }) => name)).toEqual(rights[role].flatMap((line) => line.split(' ')).sort());
  });

  it('leave every function with a fixed search path, run by its owner where a role may call it, and closed to everybody else', async () => {
    const ledger = await TestLedger.open();
    const loose = names.parse(
      await ledger.rows(
        `select proname as name from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
         where nspname in ('ledger', 'bot') and (
           coalesce(array_to_string(proconfig, ','), '') not like '%search_path=%pg_temp'
           or not prosecdef and exists (
             select from unnest(array['bot', 'controller', 'runner', 'admin']) as role where has_function_privilege(role, pg_proc.oid, 'execute'))
           or exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0)
           or proowner <> 'owner'::regrole)`,
      ),
    );
    expect(loose).toEqual([]);
  });

  it.each(roles)('%s can neither write the books nor read what it has no business with', async (role) => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const relations = async (condition: string): Promise<string[]> =>
      names
        .parse(
          await ledger.rows(
            `select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
             where nspname = 'ledger' and relkind in ('r', 'v', 'S') and ${condition}`,
            [role],
          ),
        )
        .map(({ name }) => name);
    expect((await relations('$1::text is not null')).length).toBeGreaterThan(20);
    expect(
      await relations(
        `(relkind <> 'S' and (has_table_privilege($1, pg_class.oid, 'insert,update,delete,truncate,references,trigger')
           or has_any_column_privilege($1, pg_class.oid, 'insert,update,references'))
         or relkind = 'S' and has_sequence_privilege($1, pg_class.oid, 'usage,update'))`,
      ),
    ).toEqual([]);
    const readable = await relations("relkind <> 'S' and has_any_column_privilege($1, pg_class.oid, 'select')");
    if (role !== 'admin') expect(readable).toEqual([]);
    const forbidden = [
      `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
       values ('admin:me', 'grant', ${person.userId}, 'sys/grants', 'user/${person.userId}/available', 100, 100)`,
      `update ledger.accounts set balance = 100`,
      `update ledger.settings set unit_price = 1`,
      `select telegram_id from ledger.people`,
      `select video_job, product_text from ledger.orders`,
      `select submit_nonce from ledger.attempts`,
      `select nonce from ledger.submit_nonces`,
      `create table ledger.mine ()`,
      `create function ledger.mine() returns void language sql as ''`,
      `select ledger.settle('aaaaaaaaaaaa', 'captured', 'VideoDelivered')`,
      `alter table ledger.transfers disable trigger all`,
    ];
    for (const statement of forbidden) await expect(ledger.as(role).query(statement)).rejects.toThrow('42501');
  });

  it('let only an operator grant credits, change settings and forfeit', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    await ledger.submitting(order);
    for (const role of ['bot', 'controller', 'runner'] as const) {
      await expect(grantByAdmin(ledger.as(role), person.userId, 5, byHand())).rejects.toThrow('42501');
      await expect(ledger.as(role).query(`select ledger.set_setting('unit_price', '2')`)).rejects.toThrow('42501');
      const refusal = await closeOrder(ledger.as(role), order.orderId, order.uid, 'Forfeit').catch(
        (error: unknown) => error,
      );
      expect(refusal).toBeInstanceOf(DatabaseError);
      if (role !== 'runner') expect(ruleOf(refusal)).toBe('forfeit_by_admin');
    }
    expect(await closeOrder(ledger.admin, order.orderId, null, 'Forfeit')).toMatchObject({
      settled: { outcome: 'released', reason: 'Cancelled' },
    });
    expect(await ledger.observe(order)).toMatchObject({ attempts: { current: { state: 'abandoned' } } });
    await expect(ledger.admin.query(`select ledger.set_setting('only_row', 'false')`)).rejects.toThrow(
      'setting_is_known',
    );
    await expect(ledger.admin.query(`select ledger.set_setting('unit_price', '-1')`)).rejects.toThrow(
      'settings_unit_price',
    );
  });

  it("book one operator's reference once, and refuse it for another grant", async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person(3);
    const act = byHand({ reference: 'ticket-1' });
    const dry = { ...act, dryRun: true };
    expect(await grantByAdmin(ledger.admin, person.userId, 5, dry)).toMatchObject({
      outcome: 'would-grant',
      available: 3,
    });
    expect(await grantByAdmin(ledger.admin, person.userId, 5, act)).toMatchObject({ outcome: 'granted', available: 8 });
    expect(await grantByAdmin(ledger.admin, person.userId, 5, act)).toMatchObject({ outcome: 'exists', available: 8 });
    expect(await grantByAdmin(ledger.admin, person.userId, 5, dry)).toMatchObject({ outcome: 'exists', available: 8 });
    for (const other of [act, dry]) {
      expect(await grantByAdmin(ledger.admin, person.userId, 6, other).catch(ruleOf)).toBe('admin_reference_reused');
    }
    expect(await grantByAdmin(ledger.admin, 999, 5, byHand())).toMatchObject({
      outcome: 'unknown-person',
      available: 0,
    });
  });

  it('welcome a person once, however often they agree', async () => {
    const ledger = await TestLedger.open();
    const { userId, created } = await registerPerson(ledger.bot, 5, 'ru');
    expect(created).toBe(true);
    const granted = await Promise.all(Array.from({ length: 6 }, () => recordConsent(ledger.bot, userId, '1')));
    expect(granted.filter((consent) => consent.granted === 3)).toHaveLength(1);
    expect(await recordConsent(ledger.bot, userId, '2')).toEqual({ granted: 0, available: 3 });
    const again = await Promise.all(Array.from({ length: 6 }, () => registerPerson(ledger.bot, 6, 'en')));
    expect(again.filter((person) => person.created)).toHaveLength(1);
    expect(new Set(again.map((person) => person.userId)).size).toBe(1);
  });

  it("keep one person's order from another", async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const stranger = await ledger.person();
    const order = await ledger.claimed(person);
    expect(await cancelOrder(ledger.bot, order.orderId, stranger.userId)).toEqual({
      outcome: 'unknown-order',
      settled: null,
    });
    expect(await readOwnOrder(ledger.bot, order.orderId, stranger.userId)).toBeNull();
    expect(await askShowing(ledger.bot, order.orderId, stranger.userId)).toEqual({ outcome: 'unknown-order' });
    expect(await observeOrder(ledger.controller, 'aaaaaaaaaaaa')).toBeNull();
    expect(await readBalance(ledger.bot, stranger.userId)).toMatchObject({ available: 100, held: 0 });
    expect((await ledger.observe(order)).settled).toBeNull();
  });
});
