import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import busboy from 'busboy';
import { z } from 'zod';
import { BadRequest, readJson } from '../stand-ins/http.ts';

export type Upload = {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly fileName: string;
  readonly mime: string;
};

const maxBytes = 100_000_000;
const urlTimeoutMs = 30_000;
const pathPattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

const base64Schema = z.object({ base64Data: z.string(), uploadPath: z.string(), fileName: z.string().optional() });
const urlSchema = z.object({ fileUrl: z.url(), uploadPath: z.string(), fileName: z.string().optional() });

/** Reads an upload of one of the three kinds. Throws `BadRequest` with KIE's words. */
export async function readUpload(kind: 'stream' | 'base64' | 'url', request: IncomingMessage): Promise<Upload> {
  if (kind === 'stream') return readStream(request);
  const body = await readJson(request, maxBytes);
  if (kind === 'base64') {
    const parsed = base64Schema.safeParse(body);
    if (!parsed.success) throw new BadRequest(400, 'base64Data and uploadPath are required');
    const { base64Data, uploadPath, fileName } = parsed.data;
    const [, mime = 'application/octet-stream', data = base64Data] =
      /^data:([^;,]+);base64,(.*)$/s.exec(base64Data) ?? [];
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
      throw new BadRequest(400, 'Base64 decoding failed: atob() called with invalid base64-encoded data');
    }
    return upload(Buffer.from(data, 'base64'), uploadPath, fileName, mime);
  }
  const parsed = urlSchema.safeParse(body);
  if (!parsed.success) throw new BadRequest(400, 'fileUrl and uploadPath are required');
  const response = await fetch(parsed.data.fileUrl, { signal: AbortSignal.timeout(urlTimeoutMs) }).catch(
    () => undefined,
  );
  if (response === undefined || !response.ok) throw new BadRequest(400, 'Failed to download file from URL');
  const mime = response.headers.get('content-type') ?? 'application/octet-stream';
  return upload(new Uint8Array(await response.arrayBuffer()), parsed.data.uploadPath, parsed.data.fileName, mime);
}

function readStream(request: IncomingMessage): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const chunks: Buffer[] = [];
    let mime = 'application/octet-stream';
    let sentName: string | undefined;
    let parser: busboy.Busboy;
    try {
      parser = busboy({ headers: request.headers, limits: { fileSize: maxBytes, files: 1 } });
    } catch {
      reject(new BadRequest(400, 'file and uploadPath are required'));
      request.resume();
      return;
    }
    parser.on('field', (name, value) => fields.set(name, value));
    parser.on('file', (_name, stream, info) => {
      mime = info.mimeType;
      sentName = info.filename;
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    });
    parser.on('error', reject);
    parser.on('close', () => {
      const bytes = Buffer.concat(chunks);
      try {
        if (bytes.length === 0) throw new BadRequest(400, 'file is required');
        resolve(upload(bytes, fields.get('uploadPath'), fields.get('fileName') ?? sentName, mime));
      } catch (error) {
        reject(error instanceof Error ? error : new Error('bad upload'));
      }
    });
    request.once('aborted', () => reject(new BadRequest(400, 'the upload was cut off')));
    request.pipe(parser);
  });
}

function upload(bytes: Uint8Array, path: string | undefined, fileName: string | undefined, mime: string): Upload {
  if (
    path === undefined ||
    !pathPattern.test(path) ||
    path.split('/').includes('..') ||
    path.split('/')[0] === 'results'
  ) {
    throw new BadRequest(400, 'uploadPath is required and must not begin or end with a slash');
  }
  const cleaned = (fileName ?? '').replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '');
  return { bytes, path, fileName: cleaned === '' ? `${randomBytes(8).toString('hex')}.bin` : cleaned, mime };
}

/** Uploaded files by their path below `/files/`; the same name overwrites. */
export function openUploads(directory: string): {
  save(upload: Upload): Promise<string>;
  read(path: string): Promise<Uint8Array | undefined>;
} {
  return {
    async save({ bytes, path, fileName }) {
      const relative = `${path}/${fileName}`;
      const target = join(directory, relative);
      await mkdir(dirname(target), { recursive: true });
      const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
      await writeFile(temporary, bytes);
      await rename(temporary, target);
      return relative;
    },
    async read(path) {
      if (!pathPattern.test(path) || path.split('/').includes('..')) return undefined;
      return readFile(join(directory, path)).catch(() => undefined);
    },
  };
}
