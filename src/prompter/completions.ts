import type { ReadPrompt } from './answer.ts';
import { json, promptFormat, readPrompt, refusalReason } from './answer.ts';
import type { FallbackReason, Prompter, PrompterOptions, PromptRequest, WrittenPrompt } from './prompter.ts';
import { fallbackPrompt, finished, systemText, userText } from './templates.ts';

const maxAnswerBytes = 1024 * 1024;
/** Room for the prompt and for models that think first; a Russian prompt of 1500 characters takes about 600. */
const maxTokens = 4000;

/**
 * A prompter that asks an OpenAI-compatible chat completions service once, with the photo, and falls back to a fixed prompt
 * on any trouble: an order never waits or fails for it. Template 'self' is the person's own prompt, untouched.
 */
export function createPrompter(options: PrompterOptions): Prompter {
  const tell = options.onRequest ?? (() => undefined);
  return {
    async write(request, signal): Promise<WrittenPrompt> {
      const { template } = request;
      if (template === 'self') return { prompt: request.productText, source: 'person' };
      const answer = await ask(template, request, options, signal);
      tell('failed' in answer ? answer.failed : 'ok');
      if ('failed' in answer) {
        return { prompt: fallbackPrompt(template, request), source: 'fallback', reason: answer.failed };
      }
      return { prompt: finished(template, answer.prompt), source: 'completions' };
    },
  };
}

async function ask(
  template: 'ugc' | 'ad',
  request: PromptRequest,
  options: PrompterOptions,
  signal: AbortSignal,
): Promise<ReadPrompt> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  try {
    const response = await fetch(`${options.baseUrl.replace(/\/+$/, '')}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${options.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(questionOf(template, request, options.model)),
      redirect: 'error',
      signal: AbortSignal.any([signal, deadline]),
    });
    const body = json(await boundedText(response));
    return response.status === 200 ? readPrompt(body) : { failed: refusalReason(response.status, body) };
  } catch {
    return { failed: failureOf(deadline) };
  }
}

function failureOf(deadline: AbortSignal): FallbackReason {
  return deadline.aborted ? 'timeout' : 'unavailable';
}

function questionOf(template: 'ugc' | 'ad', request: PromptRequest, model: string): unknown {
  const { photo } = request;
  const image =
    photo === undefined
      ? []
      : [
          {
            type: 'image_url',
            image_url: {
              url: `data:${photo.mime};base64,${Buffer.from(photo.bytes).toString('base64')}`,
              detail: 'low',
            },
          },
        ];
  return {
    model,
    max_completion_tokens: maxTokens,
    response_format: promptFormat,
    messages: [
      { role: 'system', content: systemText(template) },
      { role: 'user', content: [{ type: 'text', text: userText(request) }, ...image] },
    ],
  };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: ReadableStream<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error('the answer is larger than any prompt');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
