import type { Tables } from '../postgres/tables.ts';
import { Random } from '../random.ts';
import { passTime } from './passed-time.ts';
import { type Answered, answerOf, isGiven, preparedTables, type Step, settingNames } from './sequence.ts';

/** The model, playing the same steps at the very instants at which the real functions did: a slow machine makes no difference. */
export function replay(steps: readonly Step[], instants: readonly number[]): { answered: Answered[]; tables: Tables } {
  let now = instants[0] ?? 0;
  const random = new Random(1, 12);
  const tables = preparedTables(
    () => now,
    () => random.bits(),
  );
  const answered: Answered[] = [];
  for (const [index, step] of steps.entries()) {
    now = instants[index] ?? now;
    answered.push({ step, answer: played(tables, step, answered), at: now });
  }
  return { answered, tables };
}

function played(tables: Tables, step: Step, before: readonly Answered[]): unknown {
  if ('pass' in step) return passTime(tables, step.pass);
  if ('setting' in step) {
    tables.settings[settingNames[step.setting]] = step.value;
    return null;
  }
  const args = step.args.map((arg) => {
    if (!isGiven(arg)) return arg;
    const [from, ...path] = arg.ref;
    return path.reduce<unknown>(
      (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
      before[from]?.answer,
    );
  });
  return answerOf(tables, step.fn, args);
}
