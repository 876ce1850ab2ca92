import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Task } from './task.ts';
import { taskSchema } from './task.ts';

export const behaviourSchema = z.strictObject({
  /** How long a task takes. */
  seconds: z.number().min(0),
  outcome: z.enum(['success', 'fail', 'stuck']),
  failCode: z.string(),
  failMsg: z.string(),
  /** Credits on the account. */
  balance: z.number(),
  createsPerTenSeconds: z.int().min(0),
  pollsPerSecond: z.int().min(0),
});

export type Behaviour = z.infer<typeof behaviourSchema>;

/** Tasks and behaviour, on disk before anybody hears of them: a kill between any two lines loses nothing that was told. */
export type Store = {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly behaviour: Behaviour;
  /** Writes a new or changed task. */
  save(task: Task): void;
  change(part: Partial<Behaviour>): void;
};

/** Opens the state of an earlier run, or a new one. */
export function openStore(directory: string, defaults: Behaviour): Store {
  mkdirSync(directory, { recursive: true });
  const tasksFile = join(directory, 'tasks.jsonl');
  const behaviourFile = join(directory, 'behaviour.json');
  const tasks = loadTasks(tasksFile);
  const behaviour = loadBehaviour(behaviourFile, defaults);
  return {
    tasks,
    behaviour,
    save(task) {
      tasks.set(task.taskId, task);
      appendFileSync(tasksFile, `${JSON.stringify(task)}\n`);
    },
    change(part) {
      Object.assign(behaviour, part);
      writeWhole(behaviourFile, JSON.stringify(behaviour));
    },
  };
}

function loadTasks(file: string): Map<string, Task> {
  const tasks = new Map<string, Task>();
  if (!existsSync(file)) return tasks;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const task = taskOf(line);
    if (task !== undefined) tasks.set(task.taskId, task);
  }
  writeWhole(file, [...tasks.values()].map((task) => `${JSON.stringify(task)}\n`).join(''));
  return tasks;
}

/** A line torn by a kill belongs to a task that nobody was told of. */
function taskOf(line: string): Task | undefined {
  if (line === '') return undefined;
  try {
    return taskSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function loadBehaviour(file: string, defaults: Behaviour): Behaviour {
  if (!existsSync(file)) return { ...defaults };
  try {
    const saved = behaviourSchema.partial().safeParse(JSON.parse(readFileSync(file, 'utf8')));
    const known = Object.entries(saved.data ?? {}).filter(([, value]) => value !== undefined);
    return { ...defaults, ...Object.fromEntries(known) };
  } catch {
    return { ...defaults };
  }
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}
