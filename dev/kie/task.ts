import { z } from 'zod';

/** One task as it is kept on disk: everything that must survive a kill of the stand-in. */
export const taskSchema = z.object({
  taskId: z.string(),
  model: z.string(),
  /** Milliseconds since 1970, as every time here. */
  createdAt: z.number(),
  /** When it ends, `null` for one that never does. */
  endsAt: z.number().nullable(),
  finishedAt: z.number().optional(),
  ended: z.enum(['success', 'fail']).optional(),
  /** How it ends when its time has come. */
  failCode: z.string(),
  failMsg: z.string(),
  prompt: z.string(),
  /** The create request as KIE echoes it, a JSON string. */
  param: z.string(),
  callBackUrl: z.string().optional(),
  callbackSettled: z.boolean(),
  /** The address this server was called by, which its own URLs then start with. */
  base: z.string(),
  imageSha256: z.string().optional(),
  aspectRatio: z.string(),
  cost: z.number(),
  /** What was charged: only success costs anything. */
  charged: z.number(),
  /** The rendered film, shared by tasks with the same photo; the task's own file is made from it. */
  film: z.string().optional(),
});

export type Task = z.infer<typeof taskSchema>;

/** The state KIE reports for a task at a moment. */
export function stateOf(task: Task, now: number, newState?: string): string {
  if (task.ended !== undefined) return task.ended;
  if (newState !== undefined && newState !== '') return newState;
  const total = Math.max(1, (task.endsAt ?? task.createdAt + 60_000) - task.createdAt);
  const part = (now - task.createdAt) / total;
  if (part < 0.1) return 'waiting';
  return part < 0.25 ? 'queuing' : 'generating';
}

/** The `data` of recordInfo, as KIE shapes it: several parts are JSON in strings. */
export function recordOf(task: Task, now: number, newState?: string): Record<string, unknown> {
  const state = stateOf(task, now, newState);
  const failed = state === 'fail';
  return {
    taskId: task.taskId,
    model: task.model,
    state,
    param: task.param,
    resultJson: state === 'success' ? JSON.stringify({ resultUrls: [resultUrl(task)] }) : '',
    failCode: failed ? task.failCode : '',
    failMsg: failed ? task.failMsg : '',
    costTime: task.finishedAt === undefined ? 0 : task.finishedAt - task.createdAt,
    completeTime: task.finishedAt ?? null,
    createTime: task.createdAt,
    updateTime: task.finishedAt ?? now,
    ...(task.ended === undefined ? {} : { creditsConsumed: task.charged }),
  };
}

export function resultUrl(task: Task): string {
  return `${task.base}/files/results/${task.taskId}.mp4`;
}
