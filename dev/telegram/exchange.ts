import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRequest } from './body.ts';
import { OpenCall } from './journal.ts';
import { methodOf } from './methods/table.ts';
import type { Fault } from './model.ts';
import type { Parameters } from './parameters.ts';
import { sendFile } from './ranges.ts';
import { badRequest, blockedByUser, Refusal, tooManyRequests } from './refusal.ts';
import type { Telegram } from './telegram.ts';

/** The cloud server takes 50 MB a file; the fields around it are small. */
const biggestUpload = 50 * 1024 * 1024;
const biggestDownload = 20 << 20;
const hangSeconds = 600;
const slowSeconds = 5;

type Exchange = {
  readonly telegram: Telegram;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
};

/** One Bot API call: `/bot<token>/<method>`. */
export async function serveMethod(exchange: Exchange, isAuthorized: boolean, name: string, url: URL): Promise<void> {
  const { telegram, request, response } = exchange;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const found = methodOf(name);
  const body = await readRequest(request, url, biggestUpload, telegram.files.temporary).catch(refusalOrThrow);
  const parameters = body instanceof Refusal ? undefined : body.parameters;
  // An unknown name is not written down: with a badly built URL it might hold the token.
  const journal = new OpenCall(telegram.store, found?.name ?? 'unknown', chatNamed(telegram, parameters));
  const work = async (): Promise<unknown> => {
    if (!isAuthorized) throw new Refusal(401, 'Unauthorized');
    if (found === undefined) throw new Refusal(404, 'Not Found: method not found');
    if (body instanceof Refusal) throw body;
    return found.method({ telegram, parameters: body.parameters, journal, signal: gone.signal });
  };
  try {
    const fault = isAuthorized && found !== undefined ? takeFault(telegram, found.name, parameters) : undefined;
    await throughFault(exchange, journal, fault, gone.signal, async () => {
      const result = await work();
      journal.markProcessed();
      return () => answer(response, 200, { ok: true, result });
    });
  } finally {
    if (!(body instanceof Refusal)) await body.discard();
  }
}

/** A file that getFile named: `/file/bot<token>/<path>`. In journal and faults its method is `download`. */
export async function serveDownload(exchange: Exchange, isAuthorized: boolean, path: string): Promise<void> {
  const { telegram, request, response } = exchange;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const journal = new OpenCall(telegram.store, 'download', undefined);
  const fault = isAuthorized ? telegram.faults.take('download', undefined) : undefined;
  await throughFault(exchange, journal, fault, gone.signal, async () => {
    if (!isAuthorized) throw new Refusal(401, 'Unauthorized');
    const file = telegram.store.filesByPath.get(path);
    if (file === undefined) throw new Refusal(404, 'Not Found');
    if (file.size > biggestDownload) throw badRequest('file is too big');
    journal.markProcessed();
    return () =>
      sendFile(request, response, telegram.files.absolute(file), { 'content-type': 'application/octet-stream' });
  });
}

/**
 * Does the work and answers, with the bad luck that was ordered for it: `process-then-drop` and `slow` process the call,
 * every other fault strikes before anything is done.
 */
async function throughFault(
  exchange: Exchange,
  journal: OpenCall,
  fault: Fault | undefined,
  gone: AbortSignal,
  work: () => Promise<() => Promise<void> | void>,
): Promise<void> {
  const { telegram, response } = exchange;
  const struck = fault === undefined ? {} : { fault: fault.fault };
  try {
    if (fault !== undefined && (await strike(telegram, response, fault, gone))) {
      journal.end({ outcome: response.destroyed ? 'dropped' : 'error', ...struck });
      response.end();
      return;
    }
    const send = await work();
    if (fault?.fault === 'process-then-drop') response.destroy();
    journal.end({ outcome: response.destroyed ? 'dropped' : 'ok', ...struck });
    if (!response.destroyed) await send();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (fault?.fault === 'process-then-drop') response.destroy();
    const outcome = response.destroyed ? 'dropped' : 'error';
    journal.end({ outcome, error_code: error.code, description: error.message, ...struck });
    if (!response.destroyed) refuse(response, error);
  } finally {
    journal.end({ outcome: 'error', error_code: 500, description: 'Internal Server Error', ...struck });
  }
}

/** Whether the fault ended the call. Throws the refusals that are ordinary answers of the API. */
async function strike(telegram: Telegram, response: ServerResponse, fault: Fault, gone: AbortSignal): Promise<boolean> {
  switch (fault.fault) {
    case 'process-then-drop':
    case 'redeliver':
      return false;
    case 'slow':
      // Processed even if the caller gives up meanwhile: such a late copy is what makes slowness dangerous.
      await sleep((fault.seconds ?? slowSeconds) * 1000, undefined, { ref: false });
      return false;
    case 'drop':
      response.destroy();
      return true;
    case 'hang': {
      const signal = AbortSignal.any([gone, telegram.faults.cleared]);
      await sleep((fault.seconds ?? hangSeconds) * 1000, undefined, { signal, ref: false }).catch(() => undefined);
      response.destroy();
      return true;
    }
    case '502-html':
      response.writeHead(502, { 'content-type': 'text/html' });
      response.write('<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>');
      return true;
    case '429':
      throw tooManyRequests(fault.retry_after ?? 1);
    case '403':
      throw blockedByUser();
    case '500':
      throw new Refusal(500, 'Internal Server Error');
    default:
      throw badRequest(fault.fault.slice('400:'.length));
  }
}

function takeFault(telegram: Telegram, method: string, parameters: Parameters | undefined): Fault | undefined {
  return telegram.faults.take(method, chatNamed(telegram, parameters));
}

/** The chat that a call is about, for the journal and for faults of one chat. */
function chatNamed(telegram: Telegram, parameters: Parameters | undefined): number | undefined {
  if (parameters === undefined) return undefined;
  const id = parameters.integer('chat_id', 0) || parameters.integer('user_id', 0);
  if (id !== 0) return id;
  return (
    telegram.callbacks.chatOf(parameters.text('callback_query_id')) ??
    telegram.checkouts.chatOf(parameters.text('pre_checkout_query_id'))
  );
}

export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { code, message, retryAfter } = refusal;
  const wait = retryAfter === undefined ? {} : { parameters: { retry_after: retryAfter } };
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  answer(response, code, { ok: false, error_code: code, description: message, ...wait });
}

export function answer(response: ServerResponse, status: number, value: unknown): void {
  const text = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': String(text.length) });
  response.end(text);
}

function refusalOrThrow(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}
