import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

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

/** Replaces the file whole, so that a reader never sees half of it. */
export function writeEndpoints(path: string, endpoints: Endpoints): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
}

const podRecord = z.object({ process: z.object({ pid: z.number() }).optional(), end: z.unknown().optional() });

/** The processes of runner pods that the node has started and not seen end. */
export function runnerPids(nodeDirectory: string): { pid: number }[] {
  const directory = join(nodeDirectory, 'records');
  const found: { pid: number }[] = [];
  for (const file of listed(directory)) {
    try {
      const record = podRecord.safeParse(JSON.parse(readFileSync(join(directory, file), 'utf8')));
      if (record.success && record.data.process !== undefined && record.data.end === undefined) {
        found.push({ pid: record.data.process.pid });
      }
    } catch {
      // The node removes a record as soon as its pod's end is reported: between listing and reading is not an error.
    }
  }
  return found;
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}
