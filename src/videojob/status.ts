import { isDeepStrictEqual } from 'node:util';
import type { VideoJobStatus } from './schema.ts';

/** The status of an object that nobody has looked at yet. */
export const EMPTY_STATUS: VideoJobStatus = Object.freeze({});

/**
 * Whether two statuses say the same, so that writing one over the other is no change. The order of conditions means
 * nothing (the list is a map by type), and a field set to undefined is an absent one.
 */
export function equalStatus(a: VideoJobStatus, b: VideoJobStatus): boolean {
  return equalConditions(a.conditions, b.conditions) && equalFields(a, b) && equalFields(b, a);
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

/** Whether every field of the first but its conditions is the second's. */
function equalFields(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  for (const field in a) if (field !== 'conditions' && !isDeepStrictEqual(a[field], b[field])) return false;
  return true;
}

function equalConditions(a: VideoJobStatus['conditions'], b: VideoJobStatus['conditions']): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  return a !== undefined && b !== undefined && isDeepStrictEqual(byType(a), byType(b));
}

function byType(conditions: NonNullable<VideoJobStatus['conditions']>): unknown {
  return conditions.toSorted((x, y) => (x.type < y.type ? -1 : 1));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
