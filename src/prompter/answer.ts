import { z } from 'zod';
import type { FallbackReason } from './prompter.ts';

/** The schema every answer is asked for, strictly: all properties required, none besides. */
export const promptFormat = {
  type: 'json_schema',
  json_schema: {
    name: 'video_prompt',
    strict: true,
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['videoPrompt'],
      properties: { videoPrompt: { type: 'string', description: 'The whole prompt for the video model.' } },
    },
  },
} as const;

const promptSchema = z.strictObject({ videoPrompt: z.string().trim().min(20).max(4000) });

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

const errorSchema = z.object({
  error: z.object({ code: z.union([z.string(), z.number()]).nullish(), type: z.string().nullish() }),
});

export type ReadPrompt = { readonly prompt: string } | { readonly failed: FallbackReason };

/** The written prompt out of a chat completion, or why there is none. */
export function readPrompt(body: unknown): ReadPrompt {
  const [choice] = completionSchema.safeParse(body).data?.choices ?? [];
  if (choice === undefined) return { failed: 'bad-answer' };
  const { message, finish_reason: end } = choice;
  if (end === 'content_filter' || (message.refusal ?? '') !== '') return { failed: 'refused' };
  if (end === 'length') return { failed: 'truncated' };
  const answer = promptSchema.safeParse(json(message.content ?? ''));
  return answer.success ? { prompt: answer.data.videoPrompt } : { failed: 'bad-answer' };
}

/** Why a service said no. The code tells an empty account from a busy service, which share a status. */
export function refusalReason(status: number, body: unknown): FallbackReason {
  const error = errorSchema.safeParse(body).data?.error;
  const words = `${error?.code ?? ''} ${error?.type ?? ''}`;
  if (status === 402 || /insufficient_quota|credit_balance|billing/.test(words)) return 'balance';
  if (status === 401 || status === 403) return 'key';
  if (status === 429) return 'rate';
  if (/content_policy/.test(words)) return 'refused';
  return status >= 500 || status === 404 ? 'unavailable' : 'bad-answer';
}

/** `undefined` for what is not JSON. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
