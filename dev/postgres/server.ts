import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Child, startChild } from '../child.ts';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { freePort, portTaken, requireFreePort } from '../port.ts';
import { type Databases, databasesOf } from './databases.ts';
import { noPermission, type PostgresHome, preparePostgresHome } from './home.ts';
import { runningPostmaster } from './postmaster.ts';
import { installPrograms } from './programs.ts';

export { erasePostgres } from './home.ts';

export interface PostgresOptions {
  /** The server belongs to this directory: started there again, it finds its data. */
  directory: string;
  /** Default: a free one. */
  port?: number | undefined;
  /** Every line the server writes. */
  onOutput?: ((line: string) => void) | undefined;
  /** Gives up the start, and stops the server later. */
  signal?: AbortSignal | undefined;
  /** For tests: no fsync; data survives restarts and kills of the server, not of the machine. */
  ephemeral?: boolean | undefined;
}

export interface PostgresServer extends Databases {
  host: string;
  port: number;
  /** The superuser's URL for the database `postgres`. */
  ownerUrl: string;
  /** A URL for any database; no password is needed. */
  urlFor(database: string, user?: string): string;
  pid: number;
  /** Stops it in a fraction of a second, cutting off its clients; the data stay. Safe to repeat. */
  close(): Promise<void>;
}

const lane = z.enum(['npm', 'testcontainers']).default('npm');
const READY_MS = 60_000;
const SUPERUSER = 'postgres';

/**
 * Starts a real PostgreSQL on 127.0.0.1 with trust authentication and 200 connections, from the npm package, or in a
 * container when `NEUROCARDS_POSTGRES=testcontainers`. First start about 2 s, later ones well under one.
 * It cannot outlive this process where setpriv exists.
 * @throws DevEnvironmentError with one sentence and its remedy.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const chosen = lane.safeParse(process.env['NEUROCARDS_POSTGRES'] || undefined);
  if (!chosen.success) {
    throw new DevEnvironmentError(
      'BadSetting',
      'NEUROCARDS_POSTGRES must be npm (the default) or testcontainers: correct or unset it.',
    );
  }
  if (chosen.data === 'testcontainers') return (await import('./container.ts')).startPostgresContainer(options);
  options.signal?.throwIfAborted();
  const home = preparePostgresHome(options.directory);
  const programs = installOrExplain(home);
  await initialise(programs, home, options.signal);
  await waitForPredecessor(home.data);
  return startOnPort(programs, home, options, 3);
}

function installOrExplain(home: PostgresHome): string {
  try {
    return installPrograms(home.programs);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') throw noPermission(home.programs, error);
    throw error;
  }
}

/** Into a directory beside it and then renamed: an initdb that is killed half-way leaves nothing that looks finished. */
async function initialise(programs: string, home: PostgresHome, signal?: AbortSignal): Promise<void> {
  if (existsSync(join(home.data, 'PG_VERSION'))) return;
  const fresh = `${home.data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const child = await startChild({
    ...programFor(home),
    command: join(programs, 'bin', 'initdb'),
    args: [
      ...['-D', fresh, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '-N'],
      ...['--locale-provider=builtin', '--locale=C.UTF-8', '--builtin-locale=C.UTF-8'],
    ],
    stopSignal: 'SIGKILL',
  });
  const abort = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', abort, { once: true });
  const { code } = await child.exited;
  signal?.removeEventListener('abort', abort);
  signal?.throwIfAborted();
  if (code !== 0) {
    throw new DevEnvironmentError(
      'ExitedEarly',
      `PostgreSQL's initdb failed for ${home.data} (${child.lastLines().slice(-3).join('; ')}): remove that directory and start again.`,
    );
  }
  rmSync(home.data, { recursive: true, force: true });
  renameSync(fresh, home.data);
}

/** A server whose parent was killed needs a moment to stop; one that goes on belongs to somebody else. */
async function waitForPredecessor(data: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const pid = runningPostmaster(data);
    if (pid === undefined) return;
    if (Date.now() > deadline) {
      throw new DevEnvironmentError(
        'DirectoryInUse',
        `Another PostgreSQL (process ${pid}) uses ${data}: stop it (kill -INT ${pid}) or choose another directory.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function programFor(home: PostgresHome) {
  return {
    cwd: '/',
    // Nothing of ours: an inherited PGDATA, or a LANG that is not installed, stops it.
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    ...(home.user ? { user: home.user } : {}),
  };
}

async function startOnPort(
  programs: string,
  home: PostgresHome,
  options: PostgresOptions,
  tries: number,
): Promise<PostgresServer> {
  if (options.port !== undefined) await requireFreePort(options.port, 'PostgreSQL');
  const port = options.port ?? (await freePort());
  const ready = Promise.withResolvers<void>();
  const child = await startChild({
    ...programFor(home),
    command: join(programs, 'bin', 'postgres'),
    args: ['-D', home.data, ...settings(port, options.ephemeral === true)],
    stopSignal: 'SIGINT',
    onLine: (line) => {
      if (line.includes('database system is ready to accept connections')) ready.resolve();
      options.onOutput?.(line);
    },
  });
  try {
    await waitUntilReady(child, ready.promise, options.signal);
  } catch (error) {
    await child.stop(5_000);
    if (!child.lastLines().some((line) => line.includes('Address already in use'))) throw error;
    if (options.port === undefined && tries > 1) return startOnPort(programs, home, options, tries - 1);
    throw portTaken(port, 'PostgreSQL', error);
  }
  return serverOf(child, port, options.signal);
}

function settings(port: number, ephemeral: boolean): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // TCP only: a socket's path may have 107 bytes, which a checkout deep in a home exceeds.
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Commits stay synchronous: what a client was told must outlive a kill of the server, which the fault tests rely on.
    ...(ephemeral ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function waitUntilReady(child: Child, ready: Promise<void>, signal?: AbortSignal): Promise<void> {
  const given = Promise.withResolvers<never>();
  const abort = () => given.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(
    () => given.reject(failure('NotReady', `was not ready after ${READY_MS / 1000} s`)),
    READY_MS,
  );
  const failure = (reason: 'NotReady' | 'ExitedEarly', what: string) =>
    new DevEnvironmentError(
      reason,
      `PostgreSQL ${what} (${child.lastLines().slice(-3).join('; ')}): if its data are damaged, remove its directory and start again.`,
    );
  const gone = child.exited.then(({ code, signal: by }) => {
    throw failure('ExitedEarly', `stopped at once with ${by ?? `exit code ${code}`}`);
  });
  try {
    await Promise.race([ready, gone, given.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    gone.catch(() => undefined);
  }
}

function serverOf(child: Child, port: number, signal?: AbortSignal): PostgresServer {
  const host = '127.0.0.1';
  const urlFor = (database: string, user = SUPERUSER) =>
    `postgres://${encodeURIComponent(user)}@${host}:${port}/${encodeURIComponent(database)}`;
  const ownerUrl = urlFor('postgres');
  const close = () => child.stop(10_000);
  signal?.addEventListener('abort', () => void close(), { once: true });
  return { host, port, ownerUrl, urlFor, pid: child.pid, close, ...databasesOf(ownerUrl) };
}
