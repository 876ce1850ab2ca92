import type { FailureClass } from '../../failure/classes.ts';
import type { KieSighting } from '../../failure/kie.ts';
import { classifyKie } from '../../failure/kie.ts';
import { HttpCallError, httpCall } from '../http-call.ts';
import type {
  CallbackEcho,
  PollResult,
  SubmitRequest,
  SubmitResult,
  UploadedPhoto,
  VideoProvider,
} from '../provider.ts';
import { ProviderError } from '../provider.ts';
import type { KieAnswer } from './answer.ts';
import { readAnswer, recordOf, taskIdOf, uploadOf } from './answer.ts';
import { downloadVideo } from './download.ts';
import { kieModel } from './models.ts';

export type KieOperation = 'upload' | 'submit' | 'poll' | 'download';

export type KieOptions = {
  /** https://api.kie.ai */
  readonly baseUrl: string;
  /** https://kieai.redpandaai.co */
  readonly uploadUrl: string;
  readonly apiKey: string;
  /** More hosts (with port) that results may be read from, over plain http and in private networks too. */
  readonly allowHttpHosts?: readonly string[];
  /** Told once per request, for metrics. */
  readonly onRequest?: (operation: KieOperation, outcome: 'ok' | FailureClass) => void;
};

const answerBytes = 4 * 1024 * 1024;
const uploadMs = 60_000;
const submitMs = 60_000;
const pollMs = 20_000;
const downloadMs = 120_000;
const uploadPath = 'neurocards';

/**
 * KIE.ai as a video provider (docs.kie.ai): its market API and upload host. Nothing is ever repeated inside; the paid POST
 * goes over a connection of its own, so that a failure before it was sent is told from one after.
 */
export function createKieProvider(options: KieOptions): VideoProvider {
  const authorization = `Bearer ${options.apiKey}`;
  const trustedHosts = new Set([
    new URL(options.baseUrl).host,
    new URL(options.uploadUrl).host,
    ...(options.allowHttpHosts ?? []),
  ]);
  const tell = options.onRequest ?? (() => undefined);

  async function call(request: {
    readonly method: 'GET' | 'POST';
    readonly url: URL;
    readonly body?: { readonly type: string; readonly bytes: Uint8Array };
    readonly signal: AbortSignal;
    readonly withinMs: number;
  }): Promise<KieAnswer> {
    const { method, url, body } = request;
    const headers = {
      authorization,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': body.type }),
    };
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(request.withinMs)]);
    try {
      const payload = body === undefined ? {} : { body: body.bytes };
      const answer = await httpCall({ method, url, headers, maxBytes: answerBytes, signal, ...payload });
      return readAnswer(answer.status, Buffer.from(answer.body).toString('utf8'), answer.headers['retry-after']);
    } catch (error) {
      if (!(error instanceof HttpCallError)) throw error;
      return { kind: 'failed', seen: { network: error.sent ? 'lost' : 'not-sent' } };
    }
  }

  function post(
    base: string,
    path: string,
    body: { type: string; bytes: Uint8Array },
    signal: AbortSignal,
    withinMs: number,
  ) {
    return call({ method: 'POST', url: new URL(path, base), body, signal, withinMs });
  }

  async function record(taskId: string, signal: AbortSignal): Promise<KieAnswer> {
    const url = new URL('/api/v1/jobs/recordInfo', options.baseUrl);
    url.searchParams.set('taskId', taskId);
    const answer = await call({ method: 'GET', url, signal, withinMs: pollMs });
    tell('poll', answer.kind === 'ok' ? 'ok' : classifyKie({ where: 'record', ...answer.seen }).class);
    return answer;
  }

  async function temporaryLink(url: string, signal: AbortSignal): Promise<string | undefined> {
    const body = { type: 'application/json', bytes: Buffer.from(JSON.stringify({ url })) };
    const answer = await post(options.baseUrl, '/api/v1/common/download-url', body, signal, pollMs);
    return answer.kind === 'ok' && typeof answer.data === 'string' ? answer.data : undefined;
  }

  return {
    name: 'kie',

    async uploadPhoto(bytes, mime, name, signal): Promise<UploadedPhoto> {
      const form = await multipart(bytes, mime, name);
      const answer = await post(options.uploadUrl, '/api/file-stream-upload', form, signal, uploadMs);
      const uploaded = answer.kind === 'ok' ? uploadOf(answer.data) : undefined;
      if (uploaded !== undefined) {
        tell('upload', 'ok');
        return uploaded;
      }
      const seen = answer.kind === 'failed' ? answer.seen : {};
      const verdict = classifyKie({ where: 'upload', ...seen });
      tell('upload', verdict.class);
      throw new ProviderError(verdict.class, `KIE did not take the photo (${inShort(seen)}, ${verdict.class}).`, {
        retryAfterSeconds: verdict.retryAfterSeconds,
      });
    },

    async submit(request, signal): Promise<SubmitResult> {
      const body = createBody(request);
      if (body === undefined) return notSent(request.model);
      const answer = await post(options.baseUrl, '/api/v1/jobs/createTask', body, signal, submitMs);
      const result = submitResult(answer);
      tell('submit', result.kind === 'accepted' ? 'ok' : result.failure);
      return result;
    },

    async poll(taskId, signal): Promise<PollResult> {
      return pollResult(taskId, await record(taskId, signal));
    },

    async echoesCallback(taskId, callbackUrl, signal): Promise<CallbackEcho> {
      const answer = await record(taskId, signal);
      const found = answer.kind === 'ok' ? recordOf(answer.data) : undefined;
      if (found === undefined) return 'unknown';
      return found.callBackUrl === callbackUrl ? 'yes' : 'no';
    },

    async download(url, maxBytes, signal): Promise<Uint8Array> {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(downloadMs)]);
      try {
        const bytes = await downloadVideo(url, maxBytes, trustedHosts, limited).catch(async (error: unknown) => {
          // Result addresses die early at times; KIE makes a temporary one for its own files on request.
          const gone = error instanceof ProviderError && error.reason === 'provider-lost' && error.gone;
          const link = gone ? await temporaryLink(url, limited) : undefined;
          if (link === undefined) throw error;
          return downloadVideo(link, maxBytes, trustedHosts, limited);
        });
        tell('download', 'ok');
        return bytes;
      } catch (error) {
        tell('download', error instanceof ProviderError ? error.reason : 'provider-internal');
        throw error;
      }
    },
  };
}

function notSent(model: string): SubmitResult {
  if (kieModel(model) === undefined) {
    const message =
      'The model is not one we know how to ask for; nothing was sent. Choose one of the configured models.';
    return { kind: 'refused', failure: 'operator-model', certain: true, message };
  }
  const message = 'The request does not fit the model (photo address or ratio); nothing was sent.';
  return { kind: 'refused', failure: 'operator-request', certain: true, message };
}

/** The JSON of createTask; `undefined` where the request cannot be put into the model's terms. */
function createBody(request: SubmitRequest): { type: string; bytes: Uint8Array } | undefined {
  const mapper = kieModel(request.model);
  if (mapper === undefined) return undefined;
  try {
    const input = mapper.input(request);
    const callBack = request.callbackUrl === undefined ? {} : { callBackUrl: request.callbackUrl };
    return {
      type: 'application/json',
      bytes: Buffer.from(JSON.stringify({ model: request.model, ...callBack, input })),
    };
  } catch {
    return undefined;
  }
}

async function multipart(bytes: Uint8Array, mime: string, name: string): Promise<{ type: string; bytes: Uint8Array }> {
  const form = new FormData();
  form.set('file', new Blob([Uint8Array.from(bytes)], { type: mime }), name);
  form.set('uploadPath', uploadPath);
  form.set('fileName', name);
  // Response is the built-in that knows how to write a form.
  const written = new Response(form);
  return { type: written.headers.get('content-type') ?? '', bytes: new Uint8Array(await written.arrayBuffer()) };
}

function submitResult(answer: KieAnswer): SubmitResult {
  const taskId = answer.kind === 'ok' ? taskIdOf(answer.data) : undefined;
  if (taskId !== undefined) return { kind: 'accepted', taskId };
  const seen = answer.kind === 'failed' ? answer.seen : { httpStatus: 200, code: 200 };
  const verdict = classifyKie({ where: 'create', ...seen });
  if (!verdict.certain) return { kind: 'unknown', failure: verdict.class };
  return {
    kind: 'refused',
    failure: verdict.class,
    certain: true,
    message: `KIE did not take the task (${inShort(seen)}, ${verdict.class}); nothing was made.`,
    ...(verdict.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: verdict.retryAfterSeconds }),
  };
}

function pollResult(taskId: string, answer: KieAnswer): PollResult {
  if (answer.kind === 'failed') {
    const verdict = classifyKie({ where: 'record', ...answer.seen });
    if (verdict.class === 'provider-lost') return { kind: 'unseen' };
    const pause = verdict.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: verdict.retryAfterSeconds };
    return { kind: 'unavailable', failure: verdict.class, ...pause };
  }
  if (answer.data === null) return { kind: 'unseen' };
  const found = recordOf(answer.data);
  if (found === undefined || (found.taskId !== undefined && found.taskId !== taskId)) {
    return { kind: 'unavailable', failure: 'provider-internal' };
  }
  if (found.state === 'success') {
    if (found.urls === undefined) return { kind: 'unavailable', failure: 'provider-internal' };
    const credits = found.creditsConsumed === undefined ? {} : { creditsConsumed: found.creditsConsumed };
    return { kind: 'succeeded', urls: found.urls, ...credits };
  }
  if (found.state !== 'fail') return { kind: 'running', state: found.state };
  const { failCode, failMsg } = found;
  const verdict = classifyKie({ where: 'task', taskState: 'fail', failCode, failMsg, code: 200 });
  return { kind: 'failed', failure: verdict.class, code: failCode, providerMessage: failMsg.slice(0, 300) };
}

/** Numbers only: KIE's words may repeat the person's. */
function inShort(seen: Omit<KieSighting, 'where'>): string {
  if (seen.network !== undefined) return seen.network === 'not-sent' ? 'not reached' : 'no answer';
  return seen.code === undefined ? `HTTP ${seen.httpStatus ?? 'unknown'}` : `code ${seen.code}`;
}
