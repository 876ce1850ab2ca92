import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';

/**
 * Makes the demo's directory and takes it for this process; answers what gives it back.
 * @throws DevEnvironmentError `DirectoryInUse` while another demo of this checkout runs, `NoPermission` where it cannot be written.
 */
export function takeDirectory(directory: string): () => void {
  const path = join(directory, 'owner.json');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const owner = ownerOf(path);
    if (owner !== undefined && lives(owner)) {
      throw new DevEnvironmentError(
        'DirectoryInUse',
        `A demo of this checkout runs already (process ${owner.pid}): use it, or stop it with kill ${owner.pid}.`,
      );
    }
    writeFileSync(path, JSON.stringify(recordOf()));
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') throw error;
    throw new DevEnvironmentError('NoPermission', `${directory} cannot be written: give this user the right to it.`, {
      cause: error,
    });
  }
  return () => rmSync(path, { force: true });
}

function ownerOf(path: string) {
  try {
    const owner = processRecord.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return owner.success ? owner.data : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
