import type { z } from 'zod';
import {
  type VideoJob,
  type VideoJobManifest,
  type VideoJobStatus,
  videoJobManifestSchema,
  videoJobSchema,
  videoJobStatusSchema,
} from './schema.ts';

/** An object that is not a VideoJob of this version. `problems` has one sentence for each wrong field, without values. */
export class VideoJobParseError extends Error {
  override readonly name = 'VideoJobParseError';
  readonly reason = 'InvalidSpec';
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[], cause?: unknown) {
    super(
      `This ${what} cannot be read: ${problems.join('; ')}. ` +
        'Compare it with `kubectl explain videojob.spec --recursive`; an object of another version needs that release.',
      { cause },
    );
    this.problems = problems;
  }
}

/** A cached object is read at every pass; the cache freezes what it holds, so it reads the same each time. */
const read = new WeakMap<object, VideoJob>();

/** Reads a VideoJob that came from the API server. Throws VideoJobParseError. */
export function parseVideoJob(value: unknown): VideoJob {
  const isFrozen = typeof value === 'object' && value !== null && Object.isFrozen(value);
  const known = isFrozen ? read.get(value) : undefined;
  if (known !== undefined) return known;
  const videoJob = parse('VideoJob', videoJobSchema, value);
  if (isFrozen) read.set(value, videoJob);
  return videoJob;
}

/** Reads a VideoJob as it is posted, for example from the order's stored bytes. Throws VideoJobParseError. */
export function parseVideoJobManifest(value: unknown): VideoJobManifest {
  return parse('VideoJob manifest', videoJobManifestSchema, value);
}

/** Reads a status alone. Throws VideoJobParseError. */
export function parseVideoJobStatus(value: unknown): VideoJobStatus {
  return parse('VideoJob status', videoJobStatusSchema, value);
}

function parse<S extends z.ZodType>(what: string, schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // The cause is left out: zod's issues may carry the values, and a value may be what a person wrote.
  throw new VideoJobParseError(
    what,
    result.error.issues.slice(0, 8).map((issue) => `${issue.path.join('.') || 'the object'}: ${issue.message}`),
  );
}
