import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';

/**
 * The process id of the server that runs over these data, or undefined. Its postmaster.pid alone says nothing: a
 * killed server leaves it behind, and the number may be another program's by now.
 */
export function runningPostmaster(data: string): number | undefined {
  const file = join(data, 'postmaster.pid');
  try {
    const text = readFileSync(file, 'utf8');
    // PostgreSQL refuses to start over an empty one, which a full disk or a kill at the wrong moment leaves.
    if (text.trim() === '') rmSync(file);
    const pid = Number(text.split('\n')[0]);
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data) ? pid : undefined;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
