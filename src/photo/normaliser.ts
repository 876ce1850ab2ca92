import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { runPhotoChild } from './child-process.ts';
import { photoFormat } from './magic.ts';
import type { PhotoNormaliser, PhotoVerdict } from './photo.ts';
import { photoLimits } from './photo.ts';

export type NormaliserOptions = {
  /** The child's entry file; the one beside this module unless we are bundled. */
  readonly childPath?: string;
  readonly timeoutMs?: number;
  /** Of the whole child process, resident. */
  readonly maxMemoryBytes?: number;
  /** How many photos are decoded at once; the others wait. */
  readonly concurrency?: number;
};

/**
 * Checks what somebody sent and makes the normal photo of it, in a process without secrets that may die of it. A photo that
 * takes the child down, or too long, or too much memory, is refused as broken.
 * The returned function throws `PhotoError` only for our own trouble: the child cannot start, or the signal ended it.
 */
export function createPhotoNormaliser(options: NormaliserOptions = {}): PhotoNormaliser {
  const settings = {
    childPath: options.childPath ?? fileURLToPath(new URL('./child.ts', import.meta.url)),
    timeoutMs: options.timeoutMs ?? 20_000,
    maxMemoryBytes: options.maxMemoryBytes ?? 900 * 1024 * 1024,
  };
  const slots = createSlots(options.concurrency ?? 2);
  return async (bytes, signal): Promise<PhotoVerdict> => {
    if (photoFormat(bytes) === undefined) return { kind: 'refused', reason: 'not-a-photo' };
    if (bytes.length > photoLimits.maxBytes) return { kind: 'refused', reason: 'too-big' };
    const verdict = await slots(() => runPhotoChild(bytes, settings, signal));
    if (verdict.kind === 'refused') return verdict;
    const { picture } = verdict;
    const sha256 = createHash('sha256').update(picture.bytes).digest('hex');
    return { kind: 'ok', photo: { ...picture, mime: 'image/jpeg', sha256 } };
  };
}

function createSlots(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The slot goes straight to whoever waits longest.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
