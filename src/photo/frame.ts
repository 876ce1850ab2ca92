import { z } from 'zod';
import { photoRefusals } from './photo.ts';
import type { PictureVerdict } from './picture.ts';

/** Written once the child is up: what ends it after that is the photo's doing, not ours. */
export const readyMark = 'R';

const headSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('refused'), reason: z.enum(photoRefusals) }),
  z.object({ kind: z.literal('ok'), width: z.int().positive(), height: z.int().positive(), bytes: z.int().positive() }),
]);

/** A verdict as bytes: the length of a JSON head, the head, the picture. */
export function writeFrame(verdict: PictureVerdict): Buffer {
  const ok = verdict.kind === 'ok';
  const head = Buffer.from(
    JSON.stringify(
      ok
        ? {
            kind: 'ok',
            width: verdict.picture.width,
            height: verdict.picture.height,
            bytes: verdict.picture.bytes.length,
          }
        : { kind: 'refused', reason: verdict.reason },
    ),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat(ok ? [length, head, verdict.picture.bytes] : [length, head]);
}

/** Reads a frame; `undefined` when it is not whole. */
export function readFrame(frame: Buffer): PictureVerdict | undefined {
  if (frame.length < 4) return undefined;
  const end = 4 + frame.readUInt32BE(0);
  try {
    const head = headSchema.parse(JSON.parse(frame.toString('utf8', 4, end)));
    if (head.kind === 'refused') return head;
    const bytes = frame.subarray(end);
    if (bytes.length !== head.bytes) return undefined;
    return { kind: 'ok', picture: { bytes: Uint8Array.from(bytes), width: head.width, height: head.height } };
  } catch {
    return undefined;
  }
}
