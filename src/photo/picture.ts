import sharp from 'sharp';
import type { PhotoRefusal } from './photo.ts';
import { photoLimits } from './photo.ts';

export type Picture = { readonly bytes: Uint8Array; readonly width: number; readonly height: number };
export type PictureVerdict =
  | { readonly kind: 'ok'; readonly picture: Picture }
  | { readonly kind: 'refused'; readonly reason: PhotoRefusal };

type RawPixels = { readonly raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 } };

const qualities = [90, 82, 74, 66, 58];
const formats = ['jpeg', 'png', 'webp'];

/**
 * Decodes a photo and makes the normal one of it: upright, in sRGB, without metadata or alpha, not above the limits, padded
 * with white where it is too long and narrow for the models. Hostile bytes reach native code here: run it in a process of
 * its own.
 */
export async function normalPicture(sent: Uint8Array): Promise<PictureVerdict> {
  sharp.cache(false);
  sharp.concurrency(1);
  const input = { limitInputPixels: photoLimits.maxPixels, failOn: 'error', sequentialRead: false } as const;
  try {
    const { width, height, format, autoOrient } = await sharp(sent, { ...input, limitInputPixels: false }).metadata();
    if (!formats.includes(format)) return refused('not-a-photo');
    if (width * height > photoLimits.maxPixels) return refused('too-big');
    if (Math.min(width, height) < photoLimits.minSide) return refused('too-small');
    const size = frameOf(autoOrient.width, autoOrient.height);
    const pixels = await sharp(sent, input)
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#ffffff' })
      .resize(size.width, size.height, { fit: 'contain', background: '#ffffff' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width: w, height: h, channels } = pixels.info;
    const raw = { raw: { width: w, height: h, channels } };
    return { kind: 'ok', picture: { bytes: await compressed(pixels.data, raw), width: w, height: h } };
  } catch {
    return refused('broken');
  }
}

/** The frame a picture is fitted into: its own size scaled down to the limit, widened where its ratio is out of bounds. */
export function frameOf(width: number, height: number): { readonly width: number; readonly height: number } {
  const ratio = width / height;
  const wide = ratio < photoLimits.minRatio ? height * photoLimits.minRatio : width;
  const high = ratio > photoLimits.maxRatio ? width / photoLimits.maxRatio : height;
  const scale = Math.min(1, photoLimits.maxOutputSide / Math.max(wide, high));
  // Rounded inwards on the long side, so that the ratio itself stays within its bounds.
  const round = ratio < 1 ? [Math.ceil, Math.floor] : [Math.floor, Math.ceil];
  const [roundWidth = Math.round, roundHeight = Math.round] = round;
  return { width: roundWidth(wide * scale), height: roundHeight(high * scale) };
}

async function compressed(data: Buffer, raw: RawPixels): Promise<Buffer> {
  let smallest: Buffer | undefined;
  for (const quality of qualities) {
    smallest = await sharp(data, raw).jpeg({ quality, progressive: false }).toBuffer();
    if (smallest.length <= photoLimits.maxOutputBytes) return smallest;
  }
  // Only noise does not fit by then; a smaller picture always does.
  return sharp(data, raw).resize({ width: 1024, height: 1024, fit: 'inside' }).jpeg({ quality: 50 }).toBuffer();
}

function refused(reason: PhotoRefusal): PictureVerdict {
  return { kind: 'refused', reason };
}
