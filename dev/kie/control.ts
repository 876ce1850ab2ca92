import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { controlReply } from '../stand-ins/exchange.ts';
import type { Reply } from '../stand-ins/http.ts';
import { BadRequest, isLoopback, jsonReply, readJson } from '../stand-ins/http.ts';
import type { Service } from './service.ts';
import { behaviourSchema } from './store.ts';
import type { Task } from './task.ts';
import { stateOf } from './task.ts';

/** Answers below `/dev/`, for callers on this machine only. */
export async function controlAnswer(service: Service, url: URL, request: IncomingMessage): Promise<Reply> {
  if (!isLoopback(request)) {
    return jsonReply(403, { ok: false, error: 'The control interface is for this machine only.' });
  }
  const method = request.method ?? 'GET';
  try {
    const common = await controlReply(method, url, () => readJson(request), service);
    if (common !== undefined) return common;
    if (url.pathname === '/dev/tasks' && method === 'GET') {
      return jsonReply(200, [...service.store.tasks.values()].map(taskRow));
    }
    if (url.pathname === '/dev/behaviour' && method === 'GET') return jsonReply(200, service.store.behaviour);
    if (url.pathname === '/dev/behaviour' && method === 'PATCH')
      return changeBehaviour(service, await readJson(request));
  } catch (error) {
    if (error instanceof BadRequest) return jsonReply(error.status, { ok: false, error: error.message });
    throw error;
  }
  return jsonReply(404, { ok: false, error: `There is no ${method} ${url.pathname} here.` });
}

function changeBehaviour(service: Service, body: unknown): Reply {
  const change = behaviourSchema.partial().safeParse(body);
  if (!change.success) return jsonReply(400, { ok: false, error: z.prettifyError(change.error) });
  const given = Object.entries(change.data).filter(([, value]) => value !== undefined);
  service.store.change(Object.fromEntries(given));
  return jsonReply(200, service.store.behaviour);
}

function taskRow(task: Task): unknown {
  return {
    taskId: task.taskId,
    model: task.model,
    createdAt: task.createdAt,
    ...(task.finishedAt === undefined ? {} : { finishedAt: task.finishedAt }),
    state: stateOf(task, Date.now()),
    paid: task.charged > 0,
    creditsConsumed: task.charged,
    prompt: task.prompt,
    imageSha256: task.imageSha256 ?? null,
    callBackUrl: task.callBackUrl ?? null,
  };
}
