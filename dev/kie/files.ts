import type { IncomingMessage } from 'node:http';
import type { Reply } from '../stand-ins/http.ts';
import { textReply } from '../stand-ins/http.ts';

const types: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
};

export function notFound(): Reply {
  return textReply(404, 'text/html', '<html><body>404 Not Found</body></html>');
}

/** A file as a plain file host serves it, with byte ranges. */
export function fileReply(request: IncomingMessage, name: string, bytes: Uint8Array): Reply {
  const type = types[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream';
  const headers = { 'content-type': type, 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null || (range[1] === '' && range[2] === '')) return { status: 200, headers, body: bytes };
  const [from, to] =
    range[1] === ''
      ? [Math.max(0, bytes.length - Number(range[2])), bytes.length - 1]
      : [Number(range[1]), range[2] === '' ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1)];
  if (from >= bytes.length || from > to) {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${bytes.length}` }, body: new Uint8Array() };
  }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${to}/${bytes.length}` },
    body: bytes.subarray(from, to + 1),
  };
}
