import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sendFile } from './ranges.ts';

const directory = fileURLToPath(new URL('./page/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the chat page: `/`, `/chat/<id>` and its files. Whether the path was one of them. */
export async function servePage(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
  const name = path === '/' || /^\/chat\/\d+$/.test(path) ? 'index.html' : /^\/page\/([\w-]+\.\w+)$/.exec(path)?.[1];
  if (name === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
  const type = types[extname(name)];
  if (type === undefined || !existsSync(join(directory, name))) return false;
  await sendFile(request, response, join(directory, name), {
    'content-type': type,
    'cache-control': 'no-cache',
    'content-security-policy': "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
  });
  return true;
}
