import { z } from 'zod';
import type { KieSighting } from '../../failure/kie.ts';

/** An answer of KIE's API, or why there is none. `data` is whatever came with code 200. */
export type KieAnswer =
  | { readonly kind: 'ok'; readonly data: unknown }
  | { readonly kind: 'failed'; readonly seen: Omit<KieSighting, 'where'> };

const numeric = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number),
]);

const envelope = z.object({
  code: numeric,
  msg: z.string().nullish(),
  message: z.string().nullish(),
  data: z.unknown().optional(),
});

/** Reads an answer whose real verdict is the `code` in the body, whatever the HTTP status says. */
export function readAnswer(httpStatus: number, body: string, retryAfter: string | null | undefined): KieAnswer {
  const retryAfterSeconds = secondsOf(retryAfter);
  const parsed = envelope.safeParse(json(body));
  if (!parsed.success) return { kind: 'failed', seen: { httpStatus, retryAfterSeconds } };
  const { code, msg, message, data } = parsed.data;
  if (httpStatus === 200 && code === 200) return { kind: 'ok', data };
  const text = (msg ?? message ?? '').slice(0, 1000);
  return { kind: 'failed', seen: { httpStatus, code, message: text, retryAfterSeconds } };
}

const taskData = z.object({ taskId: z.string().regex(/^[A-Za-z0-9_-]{6,128}$/) });

/** The id of a created task; `undefined` when there is none that could be polled. */
export function taskIdOf(data: unknown): string | undefined {
  return taskData.safeParse(data).data?.taskId;
}

const uploadData = z.object({ downloadUrl: z.url(), expiresAt: z.string().nullish() });

export function uploadOf(data: unknown): { url: string; expiresAt?: Date } | undefined {
  const parsed = uploadData.safeParse(data).data;
  if (parsed === undefined) return undefined;
  const expiresAt = new Date(parsed.expiresAt ?? Number.NaN);
  return { url: parsed.downloadUrl, ...(Number.isNaN(expiresAt.getTime()) ? {} : { expiresAt }) };
}

const recordData = z.object({
  taskId: z.string().nullish(),
  state: z.string(),
  param: z.string().nullish(),
  resultJson: z.string().nullish(),
  failCode: z.union([z.string(), z.number().transform(String)]).nullish(),
  failMsg: z.string().nullish(),
  creditsConsumed: z.number().nullish(),
});

export type KieRecord = {
  readonly taskId: string | undefined;
  readonly state: string;
  readonly failCode: string;
  readonly failMsg: string;
  readonly creditsConsumed: number | undefined;
  /** `undefined` when the result cannot be read (yet). */
  readonly urls: readonly string[] | undefined;
  /** The callback URL the task was created with. */
  readonly callBackUrl: string | undefined;
};

const resultJson = z.object({ resultUrls: z.array(z.string().max(4000)).default([]) });
const paramJson = z.object({ callBackUrl: z.string() });

/** The record of a task; several of its parts are JSON in strings. `undefined` when it is no record. */
export function recordOf(data: unknown): KieRecord | undefined {
  const parsed = recordData.safeParse(data).data;
  if (parsed === undefined) return undefined;
  return {
    taskId: parsed.taskId ?? undefined,
    state: parsed.state.slice(0, 40),
    failCode: (parsed.failCode ?? '').slice(0, 40),
    failMsg: parsed.failMsg ?? '',
    creditsConsumed: parsed.creditsConsumed ?? undefined,
    urls: resultJson.safeParse(json(parsed.resultJson ?? '')).data?.resultUrls,
    callBackUrl: paramJson.safeParse(json(parsed.param ?? '')).data?.callBackUrl,
  };
}

/** `undefined` for what is not JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | null | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) : undefined;
}
