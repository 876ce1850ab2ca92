import { isDeepStrictEqual } from 'node:util';
import type { VideoJobStatus } from './schema.ts';

/** The status of an object that nobody has looked at yet. */
export const EMPTY_STATUS: VideoJobStatus = Object.freeze({});

/**
 * Whether two statuses say the same, so that writing one over the other is no change. The order of conditions means
 * nothing (the list is a map by type), and a field set to undefined is an absent one.
 */
export function equalStatus(a: VideoJobStatus, b: VideoJobStatus): boolean {
  return isDeepStrictEqual(normalised(a), normalised(b));
}

/**
 * The merge patch (RFC 7386) that turns one status into the other: a field that is gone becomes null, the list of
 * conditions is replaced whole. Undefined when nothing changes.
 */
export function statusPatch(from: VideoJobStatus, to: VideoJobStatus): Record<string, unknown> | undefined {
  if (equalStatus(from, to)) return undefined;
  return mergePatch(from, to);
}

function mergePatch(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = from[key];
    const after = to[key];
    if (isDeepStrictEqual(before, after)) continue;
    if (after === undefined) patch[key] = null;
    else patch[key] = isRecord(before) && isRecord(after) ? mergePatch(before, after) : after;
  }
  return patch;
}

function normalised({ conditions, ...others }: VideoJobStatus): unknown {
  const said = Object.entries(others).filter(([, value]) => value !== undefined);
  const sorted = conditions?.toSorted((x, y) => (x.type < y.type ? -1 : 1));
  return { ...Object.fromEntries(said), ...(sorted === undefined ? {} : { conditions: sorted }) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
