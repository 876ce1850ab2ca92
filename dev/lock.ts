import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { errorCode } from './errors.ts';
import { lives, processRecord, recordOf } from './process-record.ts';

/**
 * Runs `work` while no other process of this machine holds the lock file. A lock whose holder died is taken over.
 * @param onWait hears once which process is being waited for.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait?: (pid: number) => void): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!take(path)) {
    const holder = holderOf(path);
    if (holder !== undefined && !told) {
      told = true;
      onWait?.(holder);
    }
    await wait(100);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** Written aside and then linked: nobody ever reads a lock file without its holder. */
function take(path: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(recordOf()));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The living holder; removes the file of a dead one. */
function holderOf(path: string): number | undefined {
  try {
    const holder = processRecord.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (holder.success && lives(holder.data)) return holder.data.pid;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
  }
  rmSync(path, { force: true });
  return undefined;
}
