import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

export type HttpCall = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of the answer; more ends the call. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** How names become addresses; where addresses are judged. */
  readonly lookup?: LookupFunction;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
};

/**
 * A call that got no whole answer. `sent` is false only when surely no byte of it left us; `answering` is true when the answer
 * had begun and broke off.
 */
export class HttpCallError extends Error {
  readonly reason: 'network' | 'too-big' | 'aborted';
  readonly sent: boolean;
  readonly answering: boolean;

  constructor(reason: HttpCallError['reason'], sent: boolean, answering: boolean, cause: unknown) {
    const words = {
      network: 'the connection failed',
      'too-big': 'the answer was larger than allowed',
      aborted: 'the call was ended by its time limit or its caller',
    };
    super(`${words[reason]}${sent ? '' : ' before anything was sent'}`, { cause });
    this.name = 'HttpCallError';
    this.reason = reason;
    this.sent = sent;
    this.answering = answering;
  }
}

/**
 * One request over one connection of its own: never repeated, never redirected, never on a pooled connection that the other
 * side may just be closing (which would leave the outcome of a paid call unknown for nothing).
 */
export function httpCall(call: HttpCall): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let answering = false;
    let reason: HttpCallError['reason'] = 'network';
    const fail = (error: unknown): void => {
      reject(new HttpCallError(call.signal.aborted ? 'aborted' : reason, sent, answering, error));
    };
    if (call.signal.aborted) {
      fail(call.signal.reason);
      return;
    }
    const secure = call.url.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)(call.url, optionsOf(call), (response) => {
      answering = true;
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > call.maxBytes) {
          reason = 'too-big';
          request.destroy(new Error('too big'));
        }
      });
      response.once('error', fail);
      response.once('end', () => {
        // A body cut short is reported as an error by Node only where the length was announced or chunked, as it is here.
        if (!response.complete) fail(new Error('the answer ended early'));
        else resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.once('error', fail);
    request.once('socket', (socket) => {
      sent = !socket.connecting;
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        sent = true;
      });
    });
    request.end(call.body);
  });
}

function optionsOf(call: HttpCall): RequestOptions {
  const length = call.body === undefined ? {} : { 'content-length': String(call.body.length) };
  return {
    method: call.method,
    agent: false,
    signal: call.signal,
    headers: { ...call.headers, ...length, connection: 'close' },
    ...(call.lookup === undefined ? {} : { lookup: call.lookup }),
  };
}
