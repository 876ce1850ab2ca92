import { randomBytes } from 'node:crypto';
import { type PhotoRefusal, photoLimits } from '../photo/photo.ts';
import { FileTooBigError } from '../telegram/download.ts';
import { TelegramError } from '../telegram/error.ts';
import type { Desk } from './desk.ts';

export type TakenPhoto = { kind: 'stored'; key: string } | { kind: 'refused'; reason: PhotoRefusal };

/**
 * Fetches a photo from Telegram, checks and normalises it, and stores it under `<random>/<sha256>.jpg`: unguessable, and never a
 * Telegram URL, which would hold the bot's token. Throws TelegramError when it could not be fetched now.
 */
export async function takePhoto(
  file: { id: string; bytes: number | null },
  { telegram, normalisePhoto, storage }: Desk,
): Promise<TakenPhoto> {
  if (file.bytes !== null && file.bytes > photoLimits.maxBytes) return { kind: 'refused', reason: 'too-big' };
  let bytes: Uint8Array;
  try {
    bytes = await telegram.download(file.id, photoLimits.maxBytes);
  } catch (error) {
    if (error instanceof FileTooBigError) return { kind: 'refused', reason: 'too-big' };
    // getFile serves up to 20 MB.
    if (error instanceof TelegramError && error.reason === 'delivery-size')
      return { kind: 'refused', reason: 'too-big' };
    throw error;
  }
  const verdict = await normalisePhoto(bytes);
  if (verdict.kind === 'refused') return verdict;
  const key = `${randomBytes(8).toString('hex')}/${verdict.photo.sha256}.jpg`;
  await storage.put(key, verdict.photo.bytes);
  return { kind: 'stored', key };
}
