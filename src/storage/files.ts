import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { FileStorage, StoredObject } from './storage.ts';
import { StorageError } from './storage.ts';

const keyPattern = /^[a-z0-9._-]+(?:\/[a-z0-9._-]+)*$/;
const longestKey = 512;

/**
 * Objects as files under one directory (a mounted volume), which is made when missing. A put writes a temporary file beside
 * the target, syncs it, renames it over the target and syncs the directory: a crash at any point leaves the old object or
 * the new one, and at worst a `.tmp-` file that nobody reads.
 */
export function createFileStorage(directory: string): FileStorage {
  const root = resolve(directory);
  const path = (key: string): string => join(root, checkedKey(key));
  return {
    path,
    async put(key, bytes) {
      await putFile(path(key), key, bytes);
    },
    async get(key) {
      try {
        return await readFile(path(key));
      } catch (error) {
        throw readError(error, key);
      }
    },
    async stat(key): Promise<StoredObject | undefined> {
      try {
        const found = await stat(path(key));
        return found.isFile() ? { bytes: found.size, storedAt: found.mtime } : undefined;
      } catch (error) {
        const failure = readError(error, key);
        if (failure instanceof StorageError && failure.reason === 'not-found') return undefined;
        throw failure;
      }
    },
    async remove(key) {
      await rm(path(key), { force: true });
    },
  };
}

async function putFile(target: string, key: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(target);
  const temporary = join(folder, `.tmp-${randomBytes(8).toString('hex')}`);
  try {
    const made = await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx', 0o640);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncDirectory(folder);
    if (made !== undefined) await syncDirectory(dirname(made));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new StorageError(
      'unwritable',
      `The object "${key}" could not be stored (${errorCode(error)}): check that the storage volume is mounted, writable and has space.`,
      error,
    );
  }
}

/** Without it the rename itself may be lost in a power cut. */
async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function checkedKey(key: string): string {
  const segments = key.split('/');
  const bad = key.length > longestKey || !keyPattern.test(key) || segments.some((segment) => segment.startsWith('.'));
  if (bad) {
    throw new StorageError(
      'bad-key',
      'A storage key must be lower-case letters, digits, dot, underscore or dash in segments joined by "/", no segment starting with a dot.',
    );
  }
  return key;
}

function readError(error: unknown, key: string): unknown {
  if (error instanceof StorageError) return error;
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') {
    return new StorageError('not-found', `There is no stored object "${key}".`, error);
  }
  return new StorageError(
    'unreadable',
    `The object "${key}" could not be read (${code}): check that the storage volume is mounted and readable.`,
    error,
  );
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
