import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevEnvironmentError } from '../errors.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';

/**
 * Claims the state directory for this process: of two writers one would lose what the other promised.
 * @returns what gives it back
 * @throws DevEnvironmentError `DirectoryInUse` while another living stand-in holds it
 */
export function claimDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'owner.json');
  const holder = processRecord.safeParse(readJson(file));
  if (holder.success && lives(holder.data)) {
    throw new DevEnvironmentError(
      'DirectoryInUse',
      `The Telegram stand-in's directory ${directory} is in use by process ${holder.data.pid}: stop it, or choose another directory.`,
    );
  }
  writeFileSync(`${file}.new`, JSON.stringify(recordOf() ?? {}));
  renameSync(`${file}.new`, file);
  return () => rmSync(file, { force: true });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
