import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { withLock } from '../lock.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';

const ownerFile = 'owner.json';

export interface TakenDirectory {
  /** An earlier demo died here without giving it back: what it had started may need a moment to end. */
  readonly wasAbandoned: boolean;
  /** Removes everything in it; it stays taken. */
  empty(): void;
  /** Gives it back. Safe to repeat. */
  release(): void;
}

/**
 * Makes the demo's directory and takes it for this process.
 * @throws DevEnvironmentError `DirectoryInUse` while another demo of this checkout runs, `NoPermission` where it cannot be written.
 */
export async function takeDirectory(directory: string): Promise<TakenDirectory> {
  const path = join(directory, ownerFile);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Two that start at the same moment: one of them looks only after the other has written.
    return await withLock(join(directory, 'owner.lock'), async () => {
      const owner = ownerOf(directory);
      if (owner !== undefined && lives(owner)) throw inUse(owner.pid);
      writeFileSync(path, JSON.stringify(recordOf()), { mode: 0o600 });
      return {
        wasAbandoned: owner !== undefined,
        empty() {
          for (const name of readdirSync(directory)) {
            if (name !== ownerFile) rmSync(join(directory, name), { recursive: true, force: true });
          }
        },
        release: () => rmSync(path, { force: true }),
      };
    });
  } catch (error) {
    if (!refusals.includes(errorCode(error) ?? '')) throw error;
    throw new DevEnvironmentError(
      'NoPermission',
      `The demo's state cannot be written to ${directory}: make it a directory that this user may write to (chown or chmod).`,
      { cause: error },
    );
  }
}

const refusals = ['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'];

function inUse(pid: number): DevEnvironmentError {
  return new DevEnvironmentError(
    'DirectoryInUse',
    `A demo of this checkout runs already (process ${pid}): use it, or stop it with kill ${pid}.`,
  );
}

/** The process that has taken the directory, dead or alive; undefined when it is free. */
export function ownerOf(directory: string) {
  try {
    const owner = processRecord.safeParse(JSON.parse(readFileSync(join(directory, ownerFile), 'utf8')));
    return owner.success ? owner.data : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
