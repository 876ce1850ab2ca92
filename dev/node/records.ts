import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';
import type { NodeDirectory } from './directory.ts';

const Verdict = z.object({ reason: z.string(), message: z.string() });

const End = z.object({
  startTime: z.coerce.date(),
  container: z.object({
    kind: z.literal('terminated'),
    exitCode: z.number(),
    signal: z.number().optional(),
    reason: z.string(),
    message: z.string().optional(),
    startedAt: z.coerce.date().optional(),
    finishedAt: z.coerce.date().optional(),
  }),
  verdict: Verdict.optional(),
});

const PodRecord = z.object({
  uid: z.string(),
  pod: z.string(),
  startTime: z.coerce.date(),
  startedAt: z.coerce.date(),
  /** Absent between the decision to start and the start. */
  process: processRecord.optional(),
  /** Present once the container ended, until the API server knows. */
  end: End.optional(),
});

export type PodRecord = z.infer<typeof PodRecord>;
export type RecordedEnd = z.infer<typeof End>;

/**
 * What this node must still know after a SIGKILL: which containers it started and which ends it has not reported.
 * Every write is whole and done when the call returns.
 */
export class Records {
  readonly #directory: NodeDirectory;

  constructor(directory: NodeDirectory) {
    this.#directory = directory;
  }

  write(record: PodRecord): void {
    replaceFile(this.#path(record.uid), record);
  }

  remove(uid: string): void {
    rmSync(this.#path(uid), { force: true });
  }

  /** Every record, by the Pod's UID. An unreadable one is given to `onBroken` and removed. */
  all(onBroken: (file: string) => void): Map<string, PodRecord> {
    const records = new Map<string, PodRecord>();
    for (const file of readdirSync(this.#directory.records)) {
      const path = join(this.#directory.records, file);
      const parsed = file.endsWith('.json') ? PodRecord.safeParse(readJson(path)) : undefined;
      if (parsed?.success) records.set(parsed.data.uid, parsed.data);
      else {
        if (parsed) onBroken(path);
        rmSync(path, { force: true });
      }
    }
    return records;
  }

  #path(uid: string): string {
    return join(this.#directory.records, `${uid}.json`);
  }
}

/**
 * Claims the directory for this process; two nodes on one directory would end each other's containers.
 * @returns what gives it back.
 * @throws DevEnvironmentError `DirectoryInUse` while another living process holds it.
 */
export function claimDirectory({ path }: NodeDirectory): () => void {
  const file = join(path, 'node.json');
  const holder = processRecord.safeParse(readJson(file));
  if (holder.success && lives(holder.data)) {
    throw new DevEnvironmentError(
      'DirectoryInUse',
      `The node directory ${path} is in use by process ${holder.data.pid}: stop it, or choose another --directory.`,
    );
  }
  replaceFile(file, recordOf() ?? {});
  return () => rmSync(file, { force: true });
}

function replaceFile(path: string, content: object): void {
  // Written beside and renamed: a kill in the middle leaves the old content, never half of the new.
  writeFileSync(`${path}.new`, JSON.stringify(content));
  renameSync(`${path}.new`, path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
