import { z } from 'zod';
import { answerIn, jsonSchema } from './schema.ts';

const partSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({
    type: z.literal('image_url'),
    image_url: z.object({ url: z.string().regex(/^(https?:\/\/|data:image\/)/), detail: z.string().optional() }),
  }),
]);

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(partSchema)]),
});

export const completionSchema = z.object({
  model: z.string().min(1),
  messages: z.array(messageSchema).min(1),
  max_tokens: z.int().positive().optional(),
  max_completion_tokens: z.int().positive().optional(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({
          name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
          strict: z.boolean().nullish(),
          schema: jsonSchema,
        }),
      }),
    ])
    .optional(),
});

export type CompletionRequest = z.infer<typeof completionSchema>;

/** The words of a request, and how many images came with them. */
export function contentOf(request: CompletionRequest): { readonly user: string; readonly images: number } {
  let images = 0;
  const user: string[] = [];
  for (const message of request.messages) {
    if (message.role !== 'user') continue;
    const parts =
      typeof message.content === 'string' ? [{ type: 'text' as const, text: message.content }] : message.content;
    for (const part of parts) {
      if (part.type === 'text') user.push(part.text);
      else images += 1;
    }
  }
  return { user: user.join('\n'), images };
}

/** The scene every answer describes: it names nothing that the request does not, because a stand-in knows nothing. */
function scene(user: string, images: number): string {
  const tags = user.match(/\[\[emu:[^\]]*\]\]/g) ?? [];
  const subject =
    images > 0 ? 'the product exactly as it looks in the photo' : 'the product exactly as it is described';
  const film =
    `A short vertical product film of ${subject}. Soft daylight, a clean table, the camera glides slowly closer; ` +
    'shape, colours and label stay unchanged, the background stays calm, the last second rests on the product.';
  return [film, ...tags].join(' ');
}

/** What the assistant says: in the schema asked for, else plain words. Tags like `[[emu:NAME]]` are carried over. */
export function assistantText(request: CompletionRequest): string {
  const { user, images } = contentOf(request);
  const text = scene(user, images);
  const format = request.response_format;
  if (format?.type === 'json_schema') return JSON.stringify(answerIn(format.json_schema.schema, text));
  return format?.type === 'json_object' ? JSON.stringify({ prompt: text }) : text;
}
