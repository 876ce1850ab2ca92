import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A process told apart from a later one with the same number by when it started. */
export const processRecord = z.object({ pid: z.number().int().positive(), started: z.string() });
export type ProcessRecord = z.infer<typeof processRecord>;

/** The record of a living process (this one by default); undefined when there is none of that number. */
export function recordOf(pid: number = process.pid): ProcessRecord | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether exactly the recorded process still lives. */
export function lives(record: ProcessRecord): boolean {
  return startOf(record.pid) === record.started;
}

/** proc(5): field 22 of stat is the start in clock ticks since boot; the name before it may hold spaces. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    return state === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch {
    return undefined;
  }
}
