import { expect, it, onTestFinished } from 'vitest';
import { DatabaseError, ruleOf } from '../../src/postgres/errors.ts';
import { listen } from '../../src/postgres/listen.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { AbortedTransactionError, inTransaction } from '../../src/postgres/transaction.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait.ts';

async function open(): Promise<{ pool: DatabasePool; killer: DatabasePool; url: string }> {
  const { ownerUrl } = await createTestDatabase();
  const pool = createPool(ownerUrl, { applicationName: 'victim', max: 4 });
  const killer = createPool(ownerUrl, { applicationName: 'killer', max: 1 });
  onTestFinished(async () => {
    await Promise.all([pool.end(), killer.end()]);
  });
  await pool.query('create table counted (n integer constraint counted_small check (n < 10))');
  return { pool, killer, url: ownerUrl };
}

const kill = (killer: DatabasePool, condition: string) =>
  killer.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
  );

it('rolls back what threw, and lets the error through', async () => {
  const { pool } = await open();
  const refusal = await inTransaction(pool, async (database) => {
    await database.query('insert into counted values (1)');
    await database.query('insert into counted values (11)');
  }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DatabaseError);
  expect(refusal).toMatchObject({ reason: 'Refused', constraint: 'counted_small' });
  expect(ruleOf(refusal)).toBe('counted_small');
  expect((await pool.query('select * from counted')).rows).toEqual([]);
});

it.each([
  ['a role', (url: URL) => (url.username = 'nobody_of_this_name'), '28000'],
  ['a database', (url: URL) => (url.pathname = '/none_of_this_name'), '3D000'],
])('says what to look at when the server does not know %s of the URL', async (_what, spoil, code) => {
  const url = new URL((await createTestDatabase()).ownerUrl);
  spoil(url);
  const pool = createPool(url.href, { applicationName: 'stranger', max: 1 });
  onTestFinished(() => pool.end());
  await expect(pool.query('select 1')).rejects.toMatchObject({
    reason: 'Login',
    code,
    message: expect.stringContaining('user, password and database of the URL'),
  });
});

it('does not call a transaction done whose failed statement was kept quiet', async () => {
  const { pool } = await open();
  const work = inTransaction(pool, async (database) => {
    await database.query('insert into counted values (11)').catch(() => undefined);
  });
  await expect(work).rejects.toBeInstanceOf(AbortedTransactionError);
});

it('says that nobody knows, when the connection is lost during COMMIT', async () => {
  const { pool, killer } = await open();
  await pool.query(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;
    create constraint trigger slow after insert on counted deferrable initially deferred for each row execute function slow()`);
  const work = inTransaction(pool, (database) => database.query('insert into counted values (1)')).catch(
    (error: unknown) => error,
  );
  await waitFor(
    async () =>
      (
        await killer.query(
          "select 1 from pg_stat_activity where application_name = 'victim' and query = 'commit' and state = 'active'",
        )
      ).rows.length > 0,
    { what: 'the COMMIT' },
  );
  await kill(killer, "application_name = 'victim'");
  expect(await work).toMatchObject({ reason: 'OutcomeUnknown' });
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

it('repeats a deadlock only when asked to', async () => {
  const { pool } = await open();
  await pool.query('insert into counted values (1), (2)');
  const crossing = (retryConflicts: number) => {
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    return Promise.allSettled(
      [
        [1, 2],
        [2, 1],
      ].map((order) => {
        let tries = 0;
        return inTransaction(
          pool,
          async (database) => {
            tries += 1;
            await database.query('update counted set n = n where n = $1', [order[0]]);
            arrived += 1;
            if (arrived === 2) both.resolve();
            await both.promise;
            await database.query('update counted set n = n where n = $1', [order[1]]);
            return tries;
          },
          { retryConflicts },
        );
      }),
    );
  };
  const once = await crossing(0);
  expect(once.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { reason: 'Conflict' } }]);
  const again = await crossing(2);
  expect(again.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
});

it('hears notifications, and again after its connection was killed', async () => {
  const { pool, killer, url } = await open();
  const heard: string[] = [];
  let connected = 0;
  const stopping = new AbortController();
  const listening = listen(url, 'neurocards_orders', (payload) => heard.push(payload), stopping.signal, {
    onReconnect: () => {
      connected += 1;
    },
  });
  await waitFor(() => connected === 1, { what: 'the first connection' });
  await pool.query("select pg_notify('neurocards_orders', 'first')");
  await waitFor(() => heard.includes('first'), { what: 'the first notification' });
  await kill(killer, "application_name = 'neurocards-listen'");
  await waitFor(() => connected === 2, { what: 'the second connection' });
  await pool.query("select pg_notify('neurocards_orders', 'second')");
  await waitFor(() => heard.includes('second'), { what: 'the second notification' });
  stopping.abort();
  await listening;
  expect(heard).toEqual(['first', 'second']);
});

it('lets nobody use a new connection that was looked at and found unfit', async () => {
  const { url } = await open();
  let fit = false;
  const looks: unknown[] = [];
  const pool = createPool(url, {
    applicationName: 'careful',
    max: 2,
    onConnect: async (database) => {
      looks.push((await database.query('select 1 as one')).rows);
      if (!fit) throw new Error('not this one');
    },
  });
  onTestFinished(() => pool.end());
  await expect(pool.query('select 2')).rejects.toThrow('not this one');
  await expect(pool.connect()).rejects.toThrow('not this one');
  fit = true;
  await pool.query('select 3');
  await pool.query('select 4');
  expect(looks).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
});
