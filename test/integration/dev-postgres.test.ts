import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DevEnvironmentError } from '../../dev/errors.ts';
import { checkout } from '../../dev/places.ts';
import { freePort } from '../../dev/port.ts';
import { installPrograms } from '../../dev/postgres/programs.ts';
import { erasePostgres, type PostgresOptions, type PostgresServer, startPostgres } from '../../dev/postgres/server.ts';

/** The other lane's server: some tests reach for the process, which is the engine's there. */
const inContainer = process.env['NEUROCARDS_POSTGRES'] === 'testcontainers';
let directory: string;
const running: PostgresServer[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'neurocards-postgres-'));
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  vi.unstubAllEnvs();
  erasePostgres(directory);
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ directory, ephemeral: true, ...options });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>({ text });
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
}

describe('PostgreSQL of the development environment', () => {
  it('serves databases in UTF-8, made from a template and dropped under their clients, and closes', async () => {
    const server = await start();
    await server.createDatabase('first');
    expect(await query(server.urlFor('first'), "select lower('ПРИВЕТ')")).toBe('привет');
    await query(server.urlFor('first'), 'create table seen as select 7 as value');
    await server.createDatabase('second', 'first');
    expect(await query(server.urlFor('second'), 'select value from seen')).toBe(7);
    await query(server.ownerUrl, 'create role somebody login');
    expect(await query(server.urlFor('second', 'somebody'), 'select current_user')).toBe('somebody');
    await server.dropDatabase('second');
    await expect(query(server.urlFor('second'), 'select 1')).rejects.toThrow('does not exist');
    await server.close();
    await expect(query(server.ownerUrl, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  it.skipIf(inContainer).each([false, true])(
    'keeps what was committed when it is killed and started again in the same directory (ephemeral: %s)',
    async (ephemeral) => {
      const first = await start({ ephemeral });
      await query(first.ownerUrl, 'create table kept (value integer)');
      await query(first.ownerUrl, 'insert into kept values (42) returning value');
      process.kill(first.pid, 'SIGKILL');
      await untilGone(first.pid);
      const second = await start({ ephemeral });
      expect(await query(second.ownerUrl, 'select value from kept')).toBe(42);
    },
  );

  it.skipIf(inContainer)('says in one sentence which port is taken and what to do', async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      const failure = await start({ port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DevEnvironmentError);
      expect(failure).toHaveProperty('reason', 'PortTaken');
      expect(String(failure)).toContain(`127.0.0.1:${port} because another program does: stop that program`);
    } finally {
      other.close();
    }
  });

  it.skipIf(inContainer)('stops when the process that started it is killed', async () => {
    const server = JSON.stringify(join(checkout, 'dev', 'postgres', 'server.ts'));
    const program = `import { startPostgres } from ${server};
      const { pid } = await startPostgres({ directory: ${JSON.stringify(directory)} });
      console.log(pid);
      setInterval(() => undefined, 60_000);`;
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], { cwd: checkout });
    const pid = await new Promise<number>((resolve) =>
      owner.stdout.once('data', (line: Buffer) => resolve(Number(line))),
    );
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    owner.kill('SIGKILL');
    await untilGone(pid);
  });

  it.skipIf(inContainer)('says which process uses the directory when a second server is started in it', async () => {
    const first = await start();
    const failure = await start().catch((error: unknown) => error);
    expect(failure).toHaveProperty('reason', 'DirectoryInUse');
    expect(String(failure)).toContain(`kill -INT ${first.pid}`);
    expect(await query(first.ownerUrl, 'select 1')).toBe(1);
  });

  it('mends a damaged copy of the programs', () => {
    const programs = installPrograms(directory);
    const library = join(programs, 'lib', 'libpq.so.5.18');
    const size = statSync(library).size;
    truncateSync(library, 100);
    rmSync(join(programs, 'lib', 'libpq.so.5'));
    expect(installPrograms(directory)).toBe(programs);
    expect(statSync(join(programs, 'lib', 'libpq.so.5')).size).toBe(size);
  });

  it('refuses an unknown lane', async () => {
    vi.stubEnv('NEUROCARDS_POSTGRES', 'sqlite');
    await expect(start()).rejects.toMatchObject({ reason: 'BadSetting' });
  });
});
