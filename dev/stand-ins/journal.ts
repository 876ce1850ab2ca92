import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const entrySchema = z.object({
  method: z.string(),
  /** Milliseconds since 1970, when the call arrived. */
  time: z.number(),
  /** Milliseconds since 1970, when the answer (or its absence) was over. */
  answeredAt: z.number().optional(),
  /** `pending` while the call is open, then `ok`, `code <n>`, `http <n>` or `fault <name>`. */
  outcome: z.string(),
  taskId: z.string().optional(),
});

export type JournalEntry = z.infer<typeof entrySchema>;

export type OpenCall = {
  /** Known as soon as something came of the call, before its answer leaves. */
  setTask(taskId: string): void;
  /** Only the first end counts. */
  end(outcome: string): void;
};

export type Journal = {
  begin(method: string): OpenCall;
  entries(method?: string): readonly JournalEntry[];
};

const kept = 50_000;

/**
 * Every call of one stand-in, oldest first, with time and outcome and never with a key or a text. A call is listed from the
 * moment it arrives; finished calls survive a restart.
 */
export function openJournal(directory: string): Journal {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'journal.jsonl');
  const entries = load(file);
  return {
    begin(method) {
      const entry: JournalEntry = { method, time: Date.now(), outcome: 'pending' };
      entries.push(entry);
      if (entries.length > kept) entries.splice(0, entries.length - kept);
      return {
        setTask(taskId) {
          entry.taskId = taskId;
        },
        end(outcome) {
          if (entry.outcome !== 'pending') return;
          entry.outcome = outcome;
          entry.answeredAt = Date.now();
          appendFileSync(file, `${JSON.stringify(entry)}\n`);
        },
      };
    },
    entries: (method) => (method === undefined ? entries : entries.filter((entry) => entry.method === method)),
  };
}

function load(file: string): JournalEntry[] {
  if (!existsSync(file)) return [];
  const found: JournalEntry[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const entry = entryOf(line);
    if (entry !== undefined) found.push(entry);
  }
  return found.slice(-kept);
}

/** A line torn by a kill is left out. */
function entryOf(line: string): JournalEntry | undefined {
  if (line === '') return undefined;
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
