import type { FailureClass } from '../failure/classes.ts';
import { TelegramError } from './error.ts';

/** The file is larger than the caller takes; nothing more of it was read. */
export class FileTooBigError extends Error {
  override readonly name = 'FileTooBigError';
  readonly reason = 'FileTooBig';

  constructor(maxBytes: number) {
    super(`The file has more than ${maxBytes} bytes; ask for a smaller one.`);
  }
}

const wholeMs = 20_000;

interface Download {
  apiRoot: string;
  token: string;
  path: string;
  maxBytes: number;
  signal?: AbortSignal | undefined;
  onRequest?: ((method: string, outcome: 'ok' | FailureClass) => void) | undefined;
}

/** The bytes of a file that getFile named. Its URL holds the token, so it goes nowhere else and into no error. */
export async function downloadFile(download: Download): Promise<Uint8Array> {
  const limit = AbortSignal.timeout(wholeMs);
  const signal = download.signal === undefined ? limit : AbortSignal.any([download.signal, limit]);
  try {
    const answer = await fetch(`${download.apiRoot}/file/bot${download.token}/${download.path}`, {
      signal,
      redirect: 'error',
    });
    if (!answer.ok || answer.body === null) {
      await answer.body?.cancel();
      throw new TelegramError('download', { httpStatus: answer.status });
    }
    const bytes = await readUpTo(answer.body, download.maxBytes);
    download.onRequest?.('download', 'ok');
    return bytes;
  } catch (error) {
    if (error instanceof FileTooBigError) throw error;
    const failure =
      error instanceof TelegramError
        ? error
        : new TelegramError('download', { networkError: networkCode(error, limit) });
    download.onRequest?.('download', failure.reason);
    throw failure;
  }
}

async function readUpTo(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new FileTooBigError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function networkCode(error: unknown, limit: AbortSignal): string {
  if (limit.aborted) return 'no answer in time';
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : 'no answer';
}
