import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Refusal } from './models.ts';

export type FetchedImage = { readonly bytes: Uint8Array; readonly sha256: string };

const cannotFetch: Refusal = {
  code: 451,
  msg: 'Failed to fetch the image. Kindly verify any access limits set by you or your service provider.',
};
const fetchTimeoutMs = 10_000;
const maxBytes = 30_000_000;
const formats = ['jpeg', 'png', 'webp', 'tiff', 'gif'];

/** Gets a task's photo: from our own files when the URL is ours (`own`), else over HTTP as KIE would; then checks it. */
export async function fetchImage(
  url: string,
  own: (url: URL) => Promise<Uint8Array | undefined> | undefined,
): Promise<FetchedImage | Refusal> {
  let bytes: Uint8Array;
  try {
    const address = new URL(url);
    const local = own(address);
    bytes = local === undefined ? await fetchOther(address) : ((await local) ?? new Uint8Array());
  } catch {
    return cannotFetch;
  }
  if (bytes.length === 0) return cannotFetch;
  if (bytes.length > maxBytes) return { code: 422, msg: 'Image size exceeds maximum of 30000000 bytes' };
  const refusal = await checkImage(bytes);
  return refusal ?? { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function fetchOther(url: URL): Promise<Uint8Array> {
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) });
  if (!response.ok) throw new Error(`the image answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function checkImage(bytes: Uint8Array): Promise<Refusal | undefined> {
  const metadata = await sharp(bytes)
    .metadata()
    .catch(() => undefined);
  if (metadata === undefined || !formats.includes(metadata.format))
    return { code: 422, msg: 'File type not supported' };
  const ratio = metadata.width / metadata.height;
  if (ratio < 0.4 || ratio > 2.5) return { code: 422, msg: 'aspect ratio must be between 0.4 and 2.5' };
  if (Math.min(metadata.width, metadata.height) < 300 || Math.max(metadata.width, metadata.height) > 6000) {
    return { code: 422, msg: 'image width and height must be between 300 and 6000 pixels' };
  }
  return undefined;
}
