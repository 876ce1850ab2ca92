import { inOrder } from './sequence.ts';

/** Numbers that PostgreSQL draws: only whether there is one is compared. */
const drawn = new Set([
  'attemptId',
  'fence',
  'noticeId',
  'groupId',
  'transferId',
  'referralCode',
  'leaseOwner',
  'consentedAt',
]);
/** Durations that end at the moment of the answer. */
const durations = new Set(['remainingSeconds', 'elapsedSeconds', 'ageSeconds', 'retryAfterSeconds']);
/** A slow machine may take as long between two calls as no duration of the schema is near. */
const toleranceSeconds = 0.9;

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** The first place where two answers differ, told for a person; null when they agree. */
export function difference(real: unknown, model: unknown, realAt: number, modelAt: number, key = ''): string | null {
  if (drawn.has(key)) return (real == null) === (model == null) ? null : told(key, real, model);
  if (typeof real === 'string' && typeof model === 'string' && instant.test(real) && instant.test(model)) {
    const apart = Math.abs(Date.parse(real) - realAt - (Date.parse(model) - modelAt)) / 1000;
    return apart <= toleranceSeconds ? null : told(key, `${real} (at ${iso(realAt)})`, `${model} (at ${iso(modelAt)})`);
  }
  if (typeof real === 'number' && typeof model === 'number') {
    const allowed = durations.has(key) ? toleranceSeconds : 1e-9;
    return Math.abs(real - model) <= allowed ? null : told(key, real, model);
  }
  if (Array.isArray(real) && Array.isArray(model)) return listDifference(real, model, realAt, modelAt, key);
  if (isRecord(real) && isRecord(model)) {
    for (const part of new Set([...Object.keys(real), ...Object.keys(model)])) {
      const found = difference(real[part], model[part], realAt, modelAt, part);
      if (found !== null) return key === '' ? found : `${key}.${found}`;
    }
    return null;
  }
  return (real ?? null) === (model ?? null) ? null : told(key, real, model);
}

function listDifference(
  real: unknown[],
  model: unknown[],
  realAt: number,
  modelAt: number,
  key: string,
): string | null {
  if (real.length !== model.length) return told(key, real, model);
  const [ours, theirs] = key === 'orders' || key === 'failures' ? [sorted(real), sorted(model)] : [real, model];
  for (const [index, one] of ours.entries()) {
    const found = difference(one, theirs[index], realAt, modelAt, '');
    if (found !== null) return `${key}[${index}].${found}`;
  }
  return null;
}

function sorted(list: unknown[]): unknown[] {
  const by = inOrder(list);
  return Array.isArray(by) ? (by as unknown[]) : list;
}

function told(key: string, real: unknown, model: unknown): string {
  return `${key}: PostgreSQL ${JSON.stringify(real)}, the model ${JSON.stringify(model)}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
