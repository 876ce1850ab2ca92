import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { z } from 'zod';
import type { Upload } from './parameters.ts';
import { Parameters } from './parameters.ts';
import { Refusal } from './refusal.ts';

export type Body = {
  readonly parameters: Parameters;
  /** The parsed JSON, when the body was JSON. */
  readonly json: unknown;
  /** Removes uploads that nobody kept. */
  discard(): Promise<void>;
};

const jsonObject = z.record(z.string(), z.unknown());

/**
 * Reads a request whole: query string, then JSON, urlencoded or multipart body.
 * @param maxBytes above it the rest is read and thrown away, so that the client sees our 413 and not a broken pipe
 * @throws Refusal 413 `Request Entity Too Large`, 400 for a body that cannot be read
 */
export async function readRequest(
  request: IncomingMessage,
  url: URL,
  maxBytes: number,
  temporary: string,
): Promise<Body> {
  const values = new Map(url.searchParams);
  const type = (request.headers['content-type'] ?? '').toLowerCase();
  if (type.startsWith('multipart/form-data')) return readMultipart(request, values, maxBytes, temporary);
  const text = (await readAll(request, maxBytes)).toString('utf8');
  let json: unknown;
  if (type.startsWith('application/json') && text.trim() !== '') {
    json = parseBody(text);
    for (const [name, value] of Object.entries(jsonObject.safeParse(json).data ?? {})) {
      if (value === null || value === undefined) continue;
      values.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    }
  } else if (type.startsWith('application/x-www-form-urlencoded')) {
    for (const [name, value] of new URLSearchParams(text)) values.set(name, value);
  }
  return { parameters: new Parameters(values), json, discard: async () => undefined };
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "Bad Request: can't parse JSON object");
  }
}

async function readAll(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  if (size > maxBytes) throw new Refusal(413, 'Request Entity Too Large');
  return Buffer.concat(chunks);
}

let uploadNumber = 0;

async function readMultipart(
  request: IncomingMessage,
  values: Map<string, string>,
  maxBytes: number,
  temporary: string,
): Promise<Body> {
  const files = new Map<string, Upload>();
  const writes: Promise<void>[] = [];
  const paths: string[] = [];
  const discard = async () => {
    await Promise.allSettled(writes);
    await Promise.all(paths.map((path) => rm(path, { force: true })));
  };
  let isTooBig = false;
  try {
    const parser = busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: { fileSize: maxBytes, fieldSize: 1 << 20 },
    });
    parser.on('field', (name, value) => values.set(name, value));
    parser.on('file', (name, stream, info) => {
      uploadNumber += 1;
      const path = join(temporary, `upload-${process.pid}-${uploadNumber}`);
      paths.push(path);
      stream.on('limit', () => {
        isTooBig = true;
      });
      writes.push(
        writeUpload(stream, path).then(({ size, sha256 }) => {
          files.set(name, { path, size, sha256, name: info.filename ?? 'file', mime: info.mimeType });
        }),
      );
    });
    await pipeline(request, parser);
    await Promise.all(writes);
  } catch (error) {
    await discard();
    throw new Refusal(400, `Bad Request: the multipart body could not be read (${wordsOf(error)})`);
  }
  if (isTooBig) {
    await discard();
    throw new Refusal(413, 'Request Entity Too Large');
  }
  return { parameters: new Parameters(values, files), json: undefined, discard };
}

async function writeUpload(stream: Readable, path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    hash.update(chunk);
  });
  await pipeline(stream, createWriteStream(path));
  return { size, sha256: hash.digest('hex') };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown fault';
}
