import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { databasesOf } from '../../dev/postgres/databases.ts';
import { proposeMark, readDatabaseFacts } from '../../src/audit/database-facts.ts';
import { MARK_NAME, readMark, writeMark } from '../../src/audit/mark-store.ts';
import { resolveAuditMode } from '../../src/audit/restoring.ts';
import { createMemory, type Memory } from '../../src/controller/memory.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { CONFIGMAPS } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log/logger.ts';
import { claimOrder } from '../../src/order/claim.ts';
import type { Database } from '../../src/postgres/call.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { TestLedger } from '../support/ledger.ts';
import { createTestNamespace } from '../support/namespace.ts';

/** One PostgreSQL and one cluster, and as many controllers as a test starts. */
async function twoSides() {
  const [ledger, namespace] = await Promise.all([TestLedger.open(), createTestNamespace()]);
  const kube = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
  const target = { namespace: namespace.name, name: MARK_NAME };
  onTestFinished(() => kube.close());
  const log = createLogger({ service: 'controller', level: 'silent' });
  return {
    ledger,
    kube,
    target,
    /** A controller as it starts: its pool compares every connection before it is used. */
    controller(url = ledger.controllerUrl): { memory: Memory; database: DatabasePool } {
      const memory = createMemory({ kube, target, log });
      memory.leading = true;
      const database = createPool(url, {
        applicationName: 'test-memory',
        max: 3,
        onConnect: async (connection) => void (await memory.check(connection)),
      });
      onTestFinished(() => database.end());
      return { memory, database };
    },
    connect(url: string): DatabasePool {
      const database = createPool(url, { applicationName: 'test-memory', max: 1 });
      onTestFinished(() => database.end());
      return database;
    },
    /** The database as it is now, to be come back to: another name on the same server. */
    async backup(): Promise<string> {
      const name = `test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
      const url = new URL(ledger.controllerUrl);
      const databases = databasesOf(inject('postgresUrl'));
      await databases.createDatabase(name, url.pathname.slice(1));
      onTestFinished(() => databases.dropDatabase(name));
      url.pathname = `/${name}`;
      return url.href;
    },
    state: async (database: DatabasePool) => {
      const { state, cause } = await readDatabaseFacts(database);
      return cause === null ? state : `${state}: ${cause}`;
    },
    counter: async () => (await readMark(kube, target)).mark?.counter,
  };
}

describe('a controller remembers', () => {
  it('nothing at its first start, and leaves the same mark on both sides', async () => {
    const { controller, state, counter } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    await memory.mark(database);
    expect(await state(database)).toBe('marking');
    expect(await counter()).toBe(2);
    expect(await readDatabaseFacts(database)).toMatchObject({ confirmed: 2, proposed: 2, vouched: true });
    expect(memory.standstill).toBe(false);
  });

  it('the same as every replica: many that look and mark at once find nothing', async () => {
    const { controller, state, counter } = await twoSides();
    const replicas = [controller(), controller(), controller()];
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        replicas.flatMap(({ memory, database }) => [
          memory.check(database),
          memory.mark(database),
          memory.check(database),
        ]),
      );
    }
    expect(replicas.map(({ memory }) => memory.standstill)).toEqual([false, false, false]);
    const [first] = replicas;
    if (first === undefined) throw new Error('no replica');
    expect(await state(first.database)).toBe('marking');
    expect(await counter()).toBe((await readDatabaseFacts(first.database)).confirmed);
  });

  it('no newer mark than it had when it asked: an answer that is late is no loss', async () => {
    const { ledger, controller, connect, state } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    const direct = connect(ledger.controllerUrl);
    const asked = Promise.withResolvers<void>();
    const marked = Promise.withResolvers<void>();
    const slow: Database = {
      async query(text, values) {
        const answer = await direct.query(text, values);
        asked.resolve();
        await marked.promise;
        return answer;
      },
    };
    const late = memory.check(slow);
    await asked.promise;
    await ledger.person();
    await memory.mark(database);
    marked.resolve();
    await late;
    expect(await state(database)).toBe('marking');
    expect(memory.standstill).toBe(false);
  });

  it('what a predecessor wrote that died between the two sides', async () => {
    const { kube, target, controller, counter } = await twoSides();
    const died = controller();
    await died.memory.check(died.database);
    await died.memory.mark(died.database);
    const proposed = await proposeMark(died.database, 1);
    if (proposed.outcome !== 'proposed') throw new Error('not proposed');
    const { facts } = proposed;
    const mark = { ...facts, counter: facts.proposed };
    const { systemIdentifier, timeline, lastTransfer, epoch } = mark;
    await writeMark(kube, target, await readMark(kube, target), {
      systemIdentifier,
      timeline,
      lastTransfer,
      epoch,
      counter: mark.counter,
    });
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    expect(memory.standstill).toBe(false);
    expect(await counter()).toBe(2);
    expect((await readDatabaseFacts(database)).confirmed).toBe(2);
  });
});

describe('audit mode is entered by itself', () => {
  it('when the cluster has lost its mark', async () => {
    const { kube, target, controller, state } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    await kube.delete(CONFIGMAPS, target, { uid: (await kube.get(CONFIGMAPS, target)).metadata.uid });
    const next = controller();
    await next.memory.check(next.database);
    expect(next.memory.standstill).toBe(true);
    expect(await state(database)).toBe('audit: cluster-forgot');
  });

  it('when the cluster has an older mark', async () => {
    const { kube, target, controller, state } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    const { mark } = await readMark(kube, target);
    if (mark === undefined) throw new Error('no mark');
    await memory.mark(database);
    await writeMark(kube, target, await readMark(kube, target), mark);
    const next = controller();
    await next.memory.check(next.database);
    expect(await state(database)).toBe('audit: cluster-forgot');
  });

  it('when PostgreSQL is older than the mark: no claim is refused, not even by the first connection of a fresh process', async () => {
    const { controller, backup, state } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    await database.end();
    const older = await backup();
    const again = controller();
    await again.memory.mark(again.database);

    const fresh = controller(older);
    const claim = claimOrder(fresh.database, 'aaaaaaaaaaaa', randomUUID(), 'any');
    await expect(claim).rejects.toMatchObject({ code: '57P03', constraint: 'nothing_begins_in_audit' });
    expect(fresh.memory.standstill).toBe(true);
    expect(await state(fresh.database)).toBe('audit: database-forgot');
  });

  it('when PostgreSQL is older than this very process has seen, though no mark was written since', async () => {
    const { ledger, controller, backup, connect, state } = await twoSides();
    const { memory, database } = controller();
    await memory.check(database);
    await memory.mark(database);
    await database.end();
    const older = connect(await backup());
    await ledger.person();
    await memory.check(ledger.controller);
    expect(memory.standstill).toBe(false);
    await memory.check(older);
    expect(memory.standstill).toBe(true);
    expect(await state(older)).toBe('audit: database-forgot');
  });
});

describe('after a resolution', () => {
  it('every replica goes on with the new epoch', async () => {
    const { ledger, controller, state, counter } = await twoSides();
    const first = controller();
    await first.memory.check(first.database);
    await first.memory.mark(first.database);
    const second = controller();
    await second.memory.check(second.database);
    await first.memory.enter(first.database, { cause: 'database-forgot', explanation: 'a test' });
    await second.memory.check(second.database);
    expect([first.memory.standstill, second.memory.standstill]).toEqual([true, true]);
    await first.memory.mark(first.database);
    expect(await counter()).toBe(1);

    await resolveAuditMode(ledger.admin, 1, { actor: 'tester', reason: 'a test', dryRun: false });
    for (const { memory, database } of [first, second]) {
      await memory.check(database);
      expect(memory).toMatchObject({ standstill: false, wasResolved: true });
    }
    await Promise.all([first.memory.mark(first.database), second.memory.mark(second.database)]);
    await Promise.all([first.memory.check(first.database), second.memory.check(second.database)]);
    expect(await state(first.database)).toBe('marking');
    expect(await readDatabaseFacts(first.database)).toMatchObject({ epoch: 2 });
  });
});
