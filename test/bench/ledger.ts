// npm run bench:ledger: how many orders the ledger carries, and whether that depends on how much it has carried before.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { erasePostgres, type PostgresServer, startPostgres } from '../../dev/postgres/server.ts';
import { callFunction } from '../../src/postgres/call.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { fillBooks } from './ledger-books.ts';
import { type Processes, place, placementOf, playLifecycle } from './ledger-lifecycle.ts';
import { Timings, workOff } from './timings.ts';

const goals = { lifecycles: 200, holds: 1000, growth: 1.5 };
const size = z.coerce.number().int().positive();
const lifecycles = size.parse(process.env['NEUROCARDS_BENCH_LIFECYCLES'] ?? 4000);
const holds = size.parse(process.env['NEUROCARDS_BENCH_HOLDS'] ?? 8000);
const transfers = size.parse(process.env['NEUROCARDS_BENCH_TRANSFERS'] ?? 1_000_000);
const lanes = size.parse(process.env['NEUROCARDS_BENCH_LANES'] ?? 16);

const load = (): string =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' ');

function line(good: boolean, what: string, measured: string): void {
  console.log(`${good ? 'ok  ' : 'OVER'}  ${what.padEnd(58)} ${measured}`);
}

type Place = {
  readonly processes: Processes;
  readonly owner: pg.Client;
  readonly users: number[];
  close(): Promise<void>;
};

/** A migrated database with so many people who may order as much as they like. */
async function open(server: PostgresServer, name: string, people: number): Promise<Place> {
  await server.createDatabase(name);
  await migrate({ ownerUrl: server.urlFor(name) });
  const owner = new pg.Client({ connectionString: server.urlFor(name) });
  // The server is stopped with its clients; what they say of that is of no interest.
  owner.on('error', () => undefined);
  await owner.connect();
  await owner.query('update ledger.settings set open_order_limit = 1000, live_attempt_limit = 100000');
  const pool = (role: string) =>
    createPool(server.urlFor(name, role), { applicationName: `bench-${role}`, max: lanes });
  const processes = { bot: pool('bot'), controller: pool('controller'), runner: pool('runner') };
  const { rows } = await owner.query<{ user_id: number }>(
    `select (ledger.register_person(70000000 + i, 'en') ->> 'userId')::int as user_id from generate_series(1, $1::int) as i`,
    [people],
  );
  const users = rows.map(({ user_id: user }) => user);
  await owner.query(`select ledger.record_consent(user_id, '1') from unnest($1::bigint[]) as user_id`, [users]);
  await owner.query(
    "select ledger.grant_by_admin(user_id, 1000000, 'bench-' || user_id, 'bench', 'bench', false) from unnest($1::bigint[]) as user_id",
    [users],
  );
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(processes).map((one) => one.end()));
    await owner.end();
  };
  return { processes, owner, users, close };
}

function placements(users: readonly number[], count: number, each = 1) {
  return Array.from({ length: count }, (_, index) => placementOf(users[index % users.length] ?? 0, each));
}

/** Whole lifecycles a second. */
async function measureLifecycles({ processes, users }: Place, count: number, atOnce = lanes) {
  const timings = new Timings();
  const made = placements(users, count);
  const seconds = await workOff(made, atOnce, (placement) => playLifecycle(processes, placement, timings.timed));
  return { perSecond: count / seconds, timings };
}

/** Orders placed a second, `each` of them with one tap. */
async function measureHolds({ processes, users }: Place, count: number, each: 1 | 5) {
  const timings = new Timings();
  const made = placements(users, Math.ceil(count / each), each);
  const seconds = await workOff(made, lanes, (placement) => timings.timed('place', () => place(processes, placement)));
  return { perSecond: (made.length * each) / seconds, timings };
}

/**
 * What a call costs in each of two places, with nobody else at it: one order here, one order there, so that whatever else the machine
 * does weighs on both alike.
 */
async function sideBySide(rooms: readonly [Place, Place], count = 300): Promise<[Timings, Timings]> {
  const timings: [Timings, Timings] = [new Timings(), new Timings()];
  const warmUp = 30;
  for (let index = 0; index < count + warmUp; index += 1) {
    for (const [side, { processes, users }] of rooms.entries()) {
      const [placement] = placements(users.slice(index % users.length), 1);
      const timed = index < warmUp ? new Timings().timed : (timings[side]?.timed ?? timings[0].timed);
      if (placement !== undefined) await playLifecycle(processes, placement, timed);
    }
  }
  return timings;
}

async function milliseconds(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

/** What looks at the whole ledger now and then. */
async function lookAtEverything({ processes, owner }: Place) {
  const { controller } = processes;
  const anything = z.unknown();
  const settled = async (sql: () => Promise<unknown>): Promise<number> => {
    await sql();
    return milliseconds(sql);
  };
  return {
    figures: await settled(() => callFunction(controller, 'ledger.figures', [], anything)),
    violations: await settled(() => owner.query('select count(*) from ledger.violations')),
    due_orders: await settled(() =>
      callFunction(controller, 'ledger.due_orders', [new Date().toISOString()], anything),
    ),
    admit_waiting: await settled(() => callFunction(controller, 'ledger.admit_waiting', [], anything)),
    close_overdue_holds: await settled(() => callFunction(controller, 'ledger.close_overdue_holds', [], anything)),
  };
}

/** How much at once. */
async function speed(server: PostgresServer): Promise<void> {
  const busy = await open(server, 'busy', 1000);
  const whole = await measureLifecycles(busy, lifecycles);
  const perSecond = whole.perSecond.toFixed(0);
  line(
    whole.perSecond >= goals.lifecycles,
    `lifecycles a second, 1000 people (at least ${goals.lifecycles})`,
    perSecond,
  );
  console.log(whole.timings.lines().join('\n'));
  for (const each of [1, 5] as const) {
    const held = await measureHolds(busy, holds, each);
    const what = `holds a second, ${each} with one tap (at least ${goals.holds})`;
    line(held.perSecond >= goals.holds, what, held.perSecond.toFixed(0));
    console.log(held.timings.lines().join('\n'));
  }
  console.log(`    looks, with ${2 * holds} open orders: ${await looks(busy)}`);
  await busy.close();
}

/** Whether it depends on how many people there are. */
async function people(server: PostgresServer): Promise<void> {
  const one = await open(server, 'one_person', 1);
  const many = await open(server, 'many_people', 1000);
  compare('from 1 to 1,000 people', ...(await sideBySide([one, many])));
  await one.close();
  await many.close();
}

/** Whether it depends on how much was booked before. */
async function depth(server: PostgresServer): Promise<void> {
  const shallow = await open(server, 'shallow', 10);
  await fillBooks(shallow.owner, { people: 10, orders: 500 });
  const deep = await open(server, 'deep', 10);
  const began = performance.now();
  const made = await fillBooks(deep.owner, { people: 1000, orders: Math.round(transfers / 2) });
  console.log(`    books of ${made} transfers, made in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  compare(`from 1,000 to ${made} transfers`, ...(await sideBySide([shallow, deep])));
  console.log(`    looks, at 1,000 transfers: ${await looks(shallow)}`);
  console.log(`    looks, at ${made} transfers: ${await looks(deep)}`);
  await shallow.close();
  await deep.close();
}

async function looks(room: Place): Promise<string> {
  const taken = Object.entries(await lookAtEverything(room));
  return taken.map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`).join(', ');
}

function compare(what: string, before: Timings, after: Timings): void {
  for (const name of before.names()) {
    const ratio = after.quantile(name, 0.5) / before.quantile(name, 0.5);
    const [a, b] = [before, after].map((timings) => timings.quantile(name, 0.5).toFixed(2));
    line(
      ratio <= goals.growth,
      `${name} ${what} (at most x${goals.growth})`,
      `x${ratio.toFixed(2)}  (${a} -> ${b} ms)`,
    );
  }
}

const parts = { speed, people, depth };
const HELP = `npm run bench:ledger [-- PART ...]   measures the ledger with a PostgreSQL of its own; all parts unless named
  speed    lifecycles and holds a second (NEUROCARDS_BENCH_LIFECYCLES ${lifecycles}, NEUROCARDS_BENCH_HOLDS ${holds}, NEUROCARDS_BENCH_LANES ${lanes})
  people   whether a step costs more with 1,000 people than with one
  depth    whether it costs more after NEUROCARDS_BENCH_TRANSFERS (${transfers}) transfers than after 1,000`;

const asked = process.argv.slice(2);
if (asked.includes('--help')) {
  console.log(HELP);
  process.exit(0);
}
const unknown = asked.find((one) => !(one in parts));
if (unknown !== undefined) {
  console.error(`"${unknown}" is no part of this bench; name speed, people or depth, or see --help`);
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'neurocards-bench-'));
const server = await startPostgres({ directory });
const probe = new pg.Client({ connectionString: server.ownerUrl });
await probe.connect();
const { rows } = await probe.query<{ version: string; fsync: string; synchronous: string }>(
  `select split_part(version(), ' on ', 1) as version, current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous`,
);
await probe.end();
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(
  `commit ${commit}, Node ${process.versions.node}, ${rows[0]?.version}, fsync ${rows[0]?.fsync}, synchronous_commit ${rows[0]?.synchronous}, ` +
    `${availableParallelism()} cores with the load generator on them, ${lanes} lanes, load at the start ${load()}`,
);
try {
  for (const [name, part] of Object.entries(parts)) if (asked.length === 0 || asked.includes(name)) await part(server);
  console.log(`load at the end ${load()}`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.close();
  erasePostgres(directory);
  rmSync(directory, { recursive: true, force: true });
}
