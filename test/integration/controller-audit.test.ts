import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { enterAuditMode, readDatabaseFacts } from '../../src/audit/database-facts.ts';
import { MARK_NAME } from '../../src/audit/mark-store.ts';
import { CONFIGMAPS, VIDEOJOBS } from '../../src/kube/resources.ts';
import { buildVideoJob, serializeVideoJob } from '../../src/videojob/build.ts';
import { findCondition } from '../../src/videojob/conditions.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';
import { type ControllerBench, startControllerBench } from '../support/controller.ts';
import { waitFor } from '../support/wait.ts';

const entered = (bench: ControllerBench) =>
  waitFor(async () => (await readDatabaseFacts(bench.ledger.controller)).state === 'audit', { what: 'audit mode' });

/** An object that the bot signed, for an order that is in no book. */
const signed = (orderId: string) =>
  serializeVideoJob(
    buildVideoJob({
      orderId,
      userId: 1,
      credits: 1,
      photo: 'photo/1',
      template: 'ugc',
      generation: { provider: 'kie', model: 'model/1' },
      signingKey: 'test',
    }),
  );

describe('the auditor', () => {
  it('leaves a mark beside the lease, and says when it last looked', async () => {
    const bench = await startControllerBench({ auditEveryMs: 300 });
    const at = { namespace: bench.namespace, name: MARK_NAME };
    const counter = async () => Number((await bench.kube.find(CONFIGMAPS, at))?.data?.['counter'] ?? 0);
    await waitFor(async () => (await counter()) >= 2, { what: 'two marks' });
    const text = await bench.metrics.text();
    const last = /^neurocards_audit_last_timestamp_seconds (\d+)$/m.exec(text)?.[1];
    expect(Number(last) * 1000).toBeGreaterThan(Date.now() - 60_000);
    expect(text).toMatch(/^neurocards_audit_mode 0$/m);
  });

  it('closes an open order whose object is gone, when two audits have missed it', async () => {
    const bench = await startControllerBench({ auditEveryMs: 400, confirmMissingMs: 600_000 });
    const order = await bench.order();
    await bench.change(order, { metadata: { finalizers: null } });
    await bench.remove(order);
    await waitFor(async () => (await bench.ledger.observe(order)).settled !== null, { what: 'the settlement' });
    expect((await bench.ledger.observe(order)).settled).toMatchObject({ outcome: 'released', reason: 'Deleted' });
    expect(await bench.ledger.violations()).toEqual([]);
  });

  it('tells of an object that nobody ordered, by kind, and of nothing else', async () => {
    const bench = await startControllerBench({ auditEveryMs: 300 });
    await bench.order();
    await bench.kube.create(VIDEOJOBS, bench.namespace, signed(newOrderId()), { fieldValidation: 'Strict' });
    const figures = async () =>
      (await bench.metrics.text()).split('\n').filter((line) => /^neurocards_audit_differences\{.* [1-9]/.test(line));
    await waitFor(async () => (await figures()).length > 0, { what: 'a difference' });
    expect(await figures()).toEqual(['neurocards_audit_differences{kind="object-without-order"} 1']);
    expect((await readDatabaseFacts(bench.ledger.controller)).state).toBe('marking');
  });

  it('believes a settlement that only the status tells of when two audits saw it: PostgreSQL is older', async () => {
    const bench = await startControllerBench({ auditEveryMs: 400 });
    const order = await bench.order();
    await bench.condition(order, 'Finished', 'Generating');
    const status = await bench.status(order);
    const at = new Date().toISOString().replace(/\.\d+/, '');
    const conditions = (status.conditions ?? []).map((one) =>
      one.type === 'Finished' ? { ...one, status: 'True', reason: 'VideoDelivered' } : one,
    );
    await bench.kube.patch(
      VIDEOJOBS,
      { namespace: bench.namespace, name: `vj-${order.orderId}` },
      { status: { conditions, completionTime: at, settlement: { outcome: 'captured', at } } },
      { subresource: 'status' },
    );
    await entered(bench);
    const { cause, explanation } = await readDatabaseFacts(bench.ledger.controller);
    expect(cause).toBe('database-forgot');
    expect(explanation).toContain(order.orderId);
    expect((await bench.ledger.observe(order)).settled).toBeNull();
  });
});

describe('audit mode', () => {
  it('begins at the first object that the bot signed and PostgreSQL does not know, and refuses nothing', async () => {
    const bench = await startControllerBench({ macKey: 'test' });
    const orderId = newOrderId();
    await bench.kube.create(VIDEOJOBS, bench.namespace, signed(orderId), { fieldValidation: 'Strict' });
    await entered(bench);
    const found = await bench.kube.get(VIDEOJOBS, { namespace: bench.namespace, name: `vj-${orderId}` });
    expect(found.status).toBeUndefined();
    expect(await bench.metrics.text()).toMatch(/^neurocards_audit_mode 1$/m);
  });

  it('leaves every object as it is: nothing is claimed, started, closed or let go', async () => {
    const bench = await startControllerBench({ auditEveryMs: 300 });
    const running = await bench.order();
    await bench.job(running, 'gen', 1);
    const placed = await bench.placed();
    await enterAuditMode(bench.ledger.controller, 1, 'cluster-forgot', 'a test');
    await waitFor(async () => /^neurocards_audit_mode 1$/m.test(await bench.metrics.text()), {
      what: 'the controller to know',
    });
    const wrote = bench.writes.length;
    const order = await bench.relayed(placed);
    await bench.remove(running);
    const looked = async () =>
      Number(/^neurocards_audit_last_timestamp_seconds (\d+)$/m.exec(await bench.metrics.text())?.[1]);
    const before = await looked();
    await waitFor(async () => (await looked()) > before + 3, { what: 'more audits', within: 30_000 });
    expect(bench.writes.slice(wrote)).toEqual([]);
    const found = await bench.kube.get(VIDEOJOBS, { namespace: bench.namespace, name: `vj-${order.orderId}` });
    expect(found.status).toBeUndefined();
    expect((await bench.ledger.observe(running)).settled).toBeNull();
    const rows = await bench.ledger.rows(
      'select count(*)::int as n from ledger.orders where claimed_by is not null',
      [],
    );
    expect(z.array(z.object({ n: z.number() })).parse(rows)).toEqual([{ n: 1 }]);
    expect(findCondition((await bench.status(running)).conditions, 'Finished')?.status).toBe('False');
  });
});
