import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Answer } from '../stand-ins/exchange.ts';
import { controlReply, serve } from '../stand-ins/exchange.ts';
import type { Fault } from '../stand-ins/faults.ts';
import { createFaultBoard } from '../stand-ins/faults.ts';
import type { Reply } from '../stand-ins/http.ts';
import { BadRequest, bearerOf, isLoopback, jsonReply, listen, readJson, send } from '../stand-ins/http.ts';
import { openJournal } from '../stand-ins/journal.ts';
import type { CompletionRequest } from './answer.ts';
import { assistantText, completionSchema, contentOf } from './answer.ts';

export type CompletionsOptions = {
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly stateDirectory: string;
  readonly apiKey: string;
};

export type Completions = { readonly url: string; close(): Promise<void> };

const maxBytes = 50_000_000;
const kept = 1000;

/** Plays an OpenAI-compatible chat completions service; see `docs/development/stand-ins.md`. */
export async function startCompletions(options: CompletionsOptions): Promise<Completions> {
  const journal = openJournal(options.stateDirectory);
  const faults = createFaultBoard(['completions']);
  const requestsFile = join(options.stateDirectory, 'requests.jsonl');
  const requests = existsSync(requestsFile) ? readFileSync(requestsFile, 'utf8').split('\n').filter(Boolean) : [];

  async function complete(request: IncomingMessage): Promise<Answer> {
    if (bearerOf(request) !== options.apiKey) {
      return refused(401, 'Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key');
    }
    const parsed = completionSchema.safeParse(await readJson(request, maxBytes));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') ?? '';
      return refused(400, `Invalid value: '${where}'. ${issue?.message ?? ''}`, 'invalid_request_error', null);
    }
    const row = JSON.stringify({ time: Date.now(), ...describe(parsed.data) });
    requests.push(row);
    appendFileSync(requestsFile, `${row}\n`);
    return { reply: jsonReply(200, completionOf(parsed.data)), outcome: 'ok' };
  }

  async function control(url: URL, request: IncomingMessage): Promise<Reply> {
    if (!isLoopback(request))
      return jsonReply(403, { ok: false, error: 'The control interface is for this machine only.' });
    const method = request.method ?? 'GET';
    const common = await controlReply(method, url, () => readJson(request), { faults, journal });
    if (common !== undefined) return common;
    if (url.pathname === '/dev/requests' && method === 'GET') {
      const body = Buffer.from(`[${requests.slice(-kept).join(',')}]`);
      return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
    }
    return jsonReply(404, { ok: false, error: `There is no ${method} ${url.pathname} here.` });
  }

  const listening = await listen(
    'completions',
    options.host ?? '127.0.0.1',
    options.port ?? 0,
    async (request, response) => {
      const url = new URL(request.url ?? '/', 'http://completions.invalid');
      if (url.pathname.startsWith('/dev/')) {
        send(response, await control(url, request));
        return;
      }
      if (request.method !== 'POST' || url.pathname !== '/v1/chat/completions') {
        send(response, refused(404, 'Unknown request URL.', 'invalid_request_error', 'unknown_url').reply);
        return;
      }
      await serve({ method: 'completions', request, response, journal, faults, refusal }, () =>
        complete(request).catch(badRequest),
      );
    },
  );

  return { url: listening.url, close: () => listening.close() };
}

/** What `/dev/requests` shows: the words, but of images only that they came. */
function describe(request: CompletionRequest): object {
  const { images } = contentOf(request);
  const messages = request.messages.map(({ role, content }) => ({
    role,
    text:
      typeof content === 'string'
        ? content
        : content.map((part) => (part.type === 'text' ? part.text : '[image]')).join('\n'),
  }));
  return { model: request.model, images, responseFormat: request.response_format?.type ?? 'text', messages };
}

function completionOf(request: CompletionRequest): unknown {
  const content = assistantText(request);
  const budget = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
  const tokens = Math.ceil(content.length / 4);
  const cut = tokens > budget;
  const message = { role: 'assistant', content: cut ? content.slice(0, budget * 4) : content, refusal: null };
  const id = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 24);
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: cut ? 'length' : 'stop' }],
    usage: {
      prompt_tokens: 100,
      completion_tokens: Math.min(tokens, budget),
      total_tokens: 100 + Math.min(tokens, budget),
    },
  };
}

function refused(
  status: number,
  message: string,
  type: string,
  code: string | null,
  headers: Record<string, string> = {},
): Answer {
  return {
    reply: jsonReply(status, { error: { message, type, param: null, code } }, headers),
    outcome: `http ${status}`,
  };
}

function badRequest(error: unknown): Answer {
  if (error instanceof BadRequest) return refused(error.status, error.message, 'invalid_request_error', null);
  throw error;
}

function refusal(code: number, text: string, fault: Fault): Reply {
  const headers: Record<string, string> =
    fault.retry_after === undefined ? {} : { 'retry-after': String(fault.retry_after) };
  if (code === 429)
    return refused(429, text || 'Rate limit reached.', 'requests', 'rate_limit_exceeded', headers).reply;
  if (code === 500) return refused(500, text || 'The server had an error.', 'server_error', null).reply;
  return refused(code, text || 'Forbidden', 'invalid_request_error', null).reply;
}
