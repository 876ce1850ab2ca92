import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultBoard } from './faults.ts';
import { faultLabel, refusalOf } from './faults.ts';
import type { Reply } from './http.ts';
import { jsonReply, send, textReply } from './http.ts';
import type { Journal, OpenCall } from './journal.ts';

/** What one call led to. */
export type Answer = {
  readonly reply: Reply;
  /** For the journal: `ok` or what was refused. */
  readonly outcome: string;
  /** The call was processed, but the client never hears so. */
  readonly dropped?: boolean;
  /** The call was processed, and its answer leaves so much later. */
  readonly afterSeconds?: number;
};

export type Exchange = {
  readonly method: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly journal: Journal;
  readonly faults: FaultBoard;
  /** How this service words a refusal, in its own shape. */
  readonly refusal: (code: number, text: string, fault: Fault) => Reply;
};

const hangSeconds = 300;
const slowSeconds = 5;

/**
 * Serves one call of a real API through the faults ordered for it, and writes it into the journal.
 * `process-then-drop` and `slow` process the call, every other fault strikes before it is processed.
 */
export async function serve(exchange: Exchange, process: (call: OpenCall) => Promise<Answer>): Promise<void> {
  const { response } = exchange;
  const call = exchange.journal.begin(exchange.method);
  const fault = exchange.faults.take(exchange.method);
  if (fault !== undefined && (await struckBefore(exchange, fault))) {
    call.end(`fault ${faultLabel(fault)}`);
    return;
  }
  let answer: Answer;
  try {
    answer = await process(call);
  } catch (error) {
    call.end('error');
    throw error;
  }
  if (fault?.fault === 'process-then-drop' || answer.dropped === true) {
    response.destroy();
    call.end(fault === undefined ? 'dropped after processing' : `fault ${faultLabel(fault)}`);
    return;
  }
  const late = fault?.fault === 'slow' ? (fault.seconds ?? slowSeconds) : answer.afterSeconds;
  if (late !== undefined) await pause(response, late);
  await drain(exchange.request);
  send(response, answer.reply, exchange.request.method !== 'HEAD');
  call.end(answer.outcome);
}

/** Whether the fault ended the call before anything was done. */
async function struckBefore(exchange: Exchange, fault: Fault): Promise<boolean> {
  const { response, request } = exchange;
  if (fault.fault === 'process-then-drop' || fault.fault === 'slow' || fault.fault === 'redeliver') return false;
  if (fault.fault === 'drop') {
    response.destroy();
    return true;
  }
  await drain(request);
  if (fault.fault === 'hang') {
    await pause(response, fault.seconds ?? hangSeconds);
    response.destroy();
    return true;
  }
  if (fault.fault === '502-html') {
    send(
      response,
      textReply(502, 'text/html', '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'),
    );
    return true;
  }
  const refusal = refusalOf(fault.fault);
  const code = refusal?.code ?? Number(fault.fault);
  send(response, exchange.refusal(code, refusal?.text ?? '', fault));
  return true;
}

/** Reads what is left of the body, as a real front server would: closing over unread bytes can cost the client its answer. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  await Promise.race([once(request, 'end').catch(() => undefined), sleep(1000, undefined, { ref: false })]);
}

/** Waits, but not for a client that has left. */
async function pause(response: ServerResponse, seconds: number): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  await sleep(seconds * 1000, undefined, { signal: gone.signal, ref: false }).catch(() => undefined);
  response.off('close', leave);
}

/** The part of `/dev/` that every stand-in has: faults and journal. `undefined` when the path is another one. */
export async function controlReply(
  method: string,
  url: URL,
  readControl: () => Promise<unknown>,
  parts: { readonly faults: FaultBoard; readonly journal: Journal },
): Promise<Reply | undefined> {
  if (url.pathname === '/dev/journal' && method === 'GET') {
    return jsonReply(200, parts.journal.entries(url.searchParams.get('method') ?? undefined));
  }
  if (url.pathname !== '/dev/faults') return undefined;
  if (method === 'GET') return jsonReply(200, parts.faults.list());
  if (method === 'DELETE') {
    parts.faults.clear();
    return jsonReply(200, { ok: true });
  }
  if (method !== 'POST') return undefined;
  const body = await readControl();
  try {
    parts.faults.add(body);
  } catch (error) {
    return jsonReply(400, { ok: false, error: error instanceof Error ? error.message : 'bad fault' });
  }
  return jsonReply(200, { ok: true });
}
