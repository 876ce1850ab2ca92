import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { databasesOf } from '../../dev/postgres/databases.ts';
import { grantByAdmin } from '../../src/ledger/grants.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { MigrationError, migrate } from '../../src/postgres/migrate.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { scramVerifier } from '../../src/postgres/roles.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { isUnavailable } from '../../src/postgres/unavailable.ts';
import { buildVideoJob, serializeVideoJob } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';

const root = join(import.meta.dirname, '../..');

async function emptyDatabase(): Promise<string> {
  const server = inject('postgresUrl');
  const databases = databasesOf(server);
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  await databases.createDatabase(name);
  onTestFinished(() => databases.dropDatabase(name));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** A copy of our SQL that a test may change. */
async function copyOfSql(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-sql-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await cp(join(root, 'migrations'), join(directory, 'migrations'), { recursive: true });
  for (const room of await readdir(join(root, 'src'))) {
    const functions = join(root, 'src', room, 'functions');
    if (existsSync(functions)) await cp(functions, join(directory, 'src', room, 'functions'), { recursive: true });
  }
  return directory;
}

function open(url: string): DatabasePool {
  const pool = createPool(url, { applicationName: 'test', max: 2 });
  onTestFinished(() => pool.end());
  return pool;
}

async function one(pool: DatabasePool, sql: string): Promise<unknown> {
  const [row] = z.array(z.record(z.string(), z.unknown())).parse((await pool.query(sql)).rows);
  return Object.values(row ?? {})[0];
}

let ownerUrl: string;
beforeEach(async () => {
  ownerUrl = await emptyDatabase();
});

it('brings an empty database to this schema, once, and tells before what it would do', async () => {
  const planned = await migrate({ ownerUrl, dryRun: true });
  expect(planned.migrations[0]).toBe('0001_ledger.sql');
  expect(await one(open(ownerUrl), "select to_regnamespace('ledger')")).toBeNull();
  expect(await migrate({ ownerUrl })).toEqual(planned);
  expect(await migrate({ ownerUrl })).toEqual({ migrations: [], functions: [] });
  expect(
    await one(
      open(ownerUrl),
      "select count(*)::int from pg_class where relnamespace = 'ledger'::regnamespace and relowner <> 'owner'::regrole",
    ),
  ).toBe(0);
});

it('is done once when several do it at the same moment, in several databases of one server', async () => {
  const urls = [ownerUrl, ownerUrl, ownerUrl, await emptyDatabase(), await emptyDatabase()];
  const done = await Promise.all(urls.map((url) => migrate({ ownerUrl: url, rolePasswords: { bot: 'secret' } })));
  expect(done.slice(0, 3).filter(({ migrations }) => migrations.length > 0)).toHaveLength(1);
  expect(done.slice(3).every(({ migrations }) => migrations.length > 0)).toBe(true);
});

it('makes a function anew when its text changed, with its rights, and drops one that is gone', async () => {
  const directory = await copyOfSql();
  await migrate({ ownerUrl, directory });
  const file = join(directory, 'src/ledger/functions/balance.sql');
  const changed = (await readFile(file, 'utf8')).replace(
    'the_user bigint',
    'the_user bigint, ignored integer default 0',
  );
  await writeFile(file, changed);
  await rm(join(directory, 'src/delivery/functions/ask_showing.sql'));
  expect((await migrate({ ownerUrl, directory })).functions).toEqual(['ledger.balance', 'ledger.ask_showing']);
  const pool = open(ownerUrl);
  expect(await one(pool, "select has_function_privilege('bot', 'ledger.balance(bigint, integer)', 'execute')")).toBe(
    true,
  );
  expect(await one(pool, "select to_regproc('ledger.ask_showing')")).toBeNull();
});

it('changes nothing when a function of the release is broken', async () => {
  const directory = await copyOfSql();
  await writeFile(
    join(directory, 'src/ledger/functions/age_seconds.sql'),
    'create function ledger.age_seconds(since timestamptz) returns double precision language sql as $$ select nothing_like_this $$;',
  );
  await expect(migrate({ ownerUrl, directory })).rejects.toThrow();
  expect(await one(open(ownerUrl), "select to_regnamespace('ledger')")).toBeNull();
});

it('refuses a database of a newer release with exit code 57', async () => {
  await migrate({ ownerUrl });
  await open(ownerUrl).query(
    "insert into ledger.migrations (version, name, checksum) values (9999, '9999_later.sql', 'x')",
  );
  const refusal = await migrate({ ownerUrl }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(MigrationError);
  expect(refusal).toMatchObject({ reason: 'SchemaTooNew', exitCode: 57 });
});

it('does as the command line: tells with --dry-run, then applies, and exits with 57 for a database of a newer release', async () => {
  const command = (...words: string[]): Promise<{ code: number; said: string }> =>
    new Promise((resolve) => {
      const env = { ...process.env, NEUROCARDS_DATABASE_URL: ownerUrl };
      execFile(process.execPath, [join(root, 'src/main.ts'), 'migrate', ...words], { env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), said: `${out}${err}` });
      });
    });
  expect(await command('--dry-run')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^migrations to apply: [1-9]/),
  });
  expect(await one(open(ownerUrl), "select to_regnamespace('ledger')")).toBeNull();
  expect(await command()).toMatchObject({ code: 0, said: expect.stringMatching(/^migrations applied: [1-9]/) });
  expect(await command()).toMatchObject({ code: 0, said: expect.stringContaining('migrations applied: 0 (none)') });
  await open(ownerUrl).query(
    "insert into ledger.migrations (version, name, checksum) values (9999, '9999_later.sql', 'x')",
  );
  for (const words of [['--dry-run'], []]) {
    expect(await command(...words)).toMatchObject({ code: 57, said: expect.stringContaining('9999_later.sql') });
  }
});

/** What the books held before credits had parts: a welcome, a grant under a reference, a released order and an open one. */
const earlierBooks = (orders: readonly { id: string; specHash: string; videoJob: string }[]): string[] => [
  `insert into ledger.people (telegram_id, language, consented_at, consent_version) values (5, 'ru', now(), '1')`,
  `insert into ledger.accounts (account_id, user_id) values ('user/1/available', 1), ('user/1/held', 1)`,
  `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount) values
     ('welcome:1', 'welcome', 1, 'sys/grants', 'user/1/available', 3), ('admin:ticket-1', 'grant', 1, 'sys/grants', 'user/1/available', 5)`,
  ...orders.flatMap(({ id, specHash, videoJob }, index) => [
    `insert into ledger.order_groups (user_id, nonce, request_hash, count, unit_price, total) values (1, '${id}', 'h', 1, 1, 1)`,
    `insert into ledger.orders (order_id, group_id, position, user_id, credits, chat_id, language, template, product_text, photo_key, video_job, spec_hash)
     values ('${id}', ${index + 1}, 1, 1, 1, 5, 'ru', 'ugc', 'a cup', 'photo/1', '${videoJob}', '${specHash}')`,
    `insert into ledger.holds (order_id, user_id, amount) values ('${id}', 1, 1)`,
    `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, order_id)
     values ('hold:${id}', 'hold', 1, 'user/1/available', 'user/1/held', 1, '${id}')`,
  ]),
  `update ledger.holds set state = 'released', reason = 'Cancelled', settled_at = now() where order_id = '${orders[0]?.id}'`,
  `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, order_id)
   values ('settle:${orders[0]?.id}', 'release', 1, 'user/1/held', 'user/1/available', 1, '${orders[0]?.id}')`,
];

it('takes the books as they were into the ones with parts: all of it free, nothing lost, no reference forgotten', async () => {
  const before = await copyOfSql();
  await rm(join(before, 'src'), { recursive: true });
  await mkdir(join(before, 'src'));
  for (const name of await readdir(join(before, 'migrations'))) {
    if (Number(name.slice(0, 4)) > 10) await rm(join(before, 'migrations', name));
  }
  await migrate({ ownerUrl, directory: before });
  const orders = [newOrderId(), newOrderId()].map((orderId) => {
    const manifest = buildVideoJob({
      ...{ orderId, userId: 1, credits: 1, photo: 'photo/1', template: 'ugc', signingKey: 'test' },
      generation: { provider: 'kie', model: 'model/1' },
    });
    return { id: orderId, specHash: manifest.spec.order.specHash, videoJob: serializeVideoJob(manifest) };
  });
  const pool = open(ownerUrl);
  await inTransaction(pool, async (database) => {
    for (const statement of earlierBooks(orders)) await database.query(statement);
  });
  await migrate({ ownerUrl });
  expect(await readBalance(pool, 1)).toEqual({ available: 7, held: 1, debt: 0, free: 7 });
  expect((await pool.query('select * from ledger.violations')).rows).toEqual([]);
  const act = { reference: 'ticket-1', actor: 'tester', reason: 'again', dryRun: false };
  expect(await grantByAdmin(pool, 1, 5, act)).toMatchObject({ outcome: 'exists', available: 7 });
  await pool.query(`select ledger.close_order('${orders[1]?.id}', null, 'InvalidSpec')`);
  expect(await readBalance(pool, 1)).toEqual({ available: 8, held: 0, debt: 0, free: 8 });
  expect((await pool.query('select * from ledger.violations')).rows).toEqual([]);
});

it('refuses a migration that was edited after it had been applied', async () => {
  const directory = await copyOfSql();
  await migrate({ ownerUrl, directory });
  await writeFile(join(directory, 'migrations/0007_index_transfers.sql'), '-- edited');
  await expect(migrate({ ownerUrl, directory })).rejects.toMatchObject({ reason: 'MigrationChanged', exitCode: 1 });
});

it('says that the database is away, and how to go on', async () => {
  const error = await migrate({ ownerUrl: 'postgres://postgres@127.0.0.1:1/none' }).catch((thrown: unknown) => thrown);
  expect(isUnavailable(error)).toBe(true);
});

it('stores passwords as PostgreSQL itself would', async () => {
  await migrate({ ownerUrl, rolePasswords: { admin: 'correct horse' } });
  const pool = open(ownerUrl);
  const stored = z.string().parse(await one(pool, "select rolpassword from pg_authid where rolname = 'admin'"));
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(stored) ?? [];
  expect(scramVerifier('correct horse', Buffer.from(salt ?? '', 'base64'), Number(iterations))).toBe(stored);
  await pool.query("alter role admin password 'battery'");
  const theirs = z.string().parse(await one(pool, "select rolpassword from pg_authid where rolname = 'admin'"));
  const [, rounds, grain] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(theirs) ?? [];
  expect(scramVerifier('battery', Buffer.from(grain ?? '', 'base64'), Number(rounds))).toBe(theirs);
  await pool.query('alter role admin password null');
  await pool.query('alter role bot password null');
});
