import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { cacheDirectory, checkout, pathHash } from '../places.ts';
import { runningPostmaster } from './postmaster.ts';

/** Where one server's files are and who runs it. */
export interface PostgresHome {
  /** The parent of the programs' copy. */
  programs: string;
  data: string;
  /** Set where we are root, which PostgreSQL refuses to run as. */
  user: { uid: number; gid: number } | undefined;
}

const marker = z.object({ directory: z.string() });

/**
 * Decides where a server that belongs to `directory` lives, and makes the directories.
 * As root everything is under `/var/tmp`, because the user `nobody` cannot enter a checkout below a 0700 directory.
 * @throws DevEnvironmentError `NoPermission`, `UnsupportedPlatform`.
 */
export function preparePostgresHome(directory: string): PostgresHome {
  const own = resolve(directory);
  try {
    mkdirSync(own, { recursive: true });
    if (process.getuid?.() !== 0) return { programs: cacheDirectory(), data: join(own, 'data'), user: undefined };
    return prepareRootHome(own);
  } catch (error) {
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EROFS' && errorCode(error) !== 'EPERM') throw error;
    throw noPermission(own, error);
  }
}

/**
 * Removes the data of the server that belongs to `directory`; the server must be stopped. What lies there is test and
 * demo data only.
 */
export function erasePostgres(directory: string): void {
  const own = resolve(directory);
  rmSync(process.getuid?.() === 0 ? rootInstance(own) : join(own, 'data'), { recursive: true, force: true });
}

/** The sentence for a directory that we may not write to. */
export function noPermission(path: string, cause: unknown): DevEnvironmentError {
  return new DevEnvironmentError(
    'NoPermission',
    `PostgreSQL's files cannot be written under ${path} as this user: make it writable (chown or chmod), or choose another place ` +
      '(for programs: set NEUROCARDS_CACHE to a directory of yours).',
    { cause },
  );
}

function rootParent(): string {
  return join('/var/tmp', `neurocards-${pathHash(checkout)}`);
}

function rootInstance(directory: string): string {
  return join(rootParent(), `postgres-data-${pathHash(directory)}`);
}

function prepareRootHome(directory: string): PostgresHome {
  const parent = rootParent();
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const found = lstatSync(parent);
  // Anybody may write to /var/tmp: a directory laid there by somebody else could make root run their programs.
  if (!found.isDirectory() || found.uid !== 0) {
    throw new DevEnvironmentError(
      'NoPermission',
      `${parent} belongs to somebody else than root: remove it and start again.`,
    );
  }
  chmodSync(parent, 0o755);
  sweep(parent);
  const user = nobody();
  const instance = rootInstance(directory);
  mkdirSync(instance, { recursive: true, mode: 0o755 });
  writeFileSync(join(instance, 'belongs-to.json'), JSON.stringify({ directory }));
  chownSync(instance, user.uid, user.gid);
  return { programs: parent, data: join(instance, 'data'), user };
}

/** Data of directories that no longer exist (a test's, removed after it) would fill the disk. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith('postgres-data-')) continue;
    const instance = join(parent, name);
    const directory = ownerOf(instance);
    if (directory === undefined || existsSync(directory)) continue;
    if (runningPostmaster(join(instance, 'data')) !== undefined) continue;
    rmSync(instance, { recursive: true, force: true });
  }
}

function ownerOf(instance: string): string | undefined {
  try {
    return marker.parse(JSON.parse(readFileSync(join(instance, 'belongs-to.json'), 'utf8'))).directory;
  } catch {
    return undefined;
  }
}

function nobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new DevEnvironmentError(
      'UnsupportedPlatform',
      'PostgreSQL refuses to run as root and this machine has no user "nobody" to run it as: run this as an ordinary user.',
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}
