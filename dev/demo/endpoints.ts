import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { lives, processRecord, recordOf } from '../process-record.ts';

const pids = z.array(z.object({ pid: z.number() }));

/** `.demo/endpoints.json`: where everything of a running demo is, for tools and tests of anybody. */
export const endpointsFile = z.object({
  kubeconfig: z.string(),
  namespace: z.string(),
  databaseUrl: z.string(),
  telegram: z.string(),
  kie: z.string(),
  completions: z.string(),
  chat: z.string(),
  metrics: z.object({ bot: z.array(z.string()), controller: z.array(z.string()) }),
  processes: z.record(z.string(), pids),
});
export type Endpoints = z.infer<typeof endpointsFile>;

/**
 * What keeps the file: it is replaced whole, so that a reader never sees half of it, and only when something changed.
 */
export function endpointsWriter(path: string): (endpoints: Endpoints) => void {
  let written = '';
  return (endpoints) => {
    const text = `${JSON.stringify(endpoints, null, 2)}\n`;
    if (text === written) return;
    const fresh = `${path}.${process.pid}`;
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, path);
    written = text;
  };
}

/** As the file lists a process; nothing while it does not run. */
export function pidList(pid: number | undefined): { pid: number }[] {
  return pid === undefined || recordOf(pid) === undefined ? [] : [{ pid }];
}

const podRecord = z.object({ process: processRecord, end: z.undefined() });

/** The processes of runner pods that the node has started and that run. */
export function runnerPids(nodeDirectory: string): { pid: number }[] {
  const directory = join(nodeDirectory, 'records');
  return listed(directory).flatMap((file) => {
    try {
      const record = podRecord.safeParse(JSON.parse(readFileSync(join(directory, file), 'utf8'))).data;
      return record !== undefined && lives(record.process) ? [{ pid: record.process.pid }] : [];
    } catch {
      // The node removes a record as soon as its pod's end is reported: between listing and reading is not an error.
      return [];
    }
  });
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}
