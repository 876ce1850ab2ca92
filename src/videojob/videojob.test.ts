import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildVideoJob, serializeVideoJob, type VideoJobInput } from './build.ts';
import { childJobName, videoJobName } from './names.ts';
import { isOrderId, newOrderId } from './order-id.ts';
import { parseVideoJob, parseVideoJobManifest, VideoJobParseError } from './parse.ts';
import { computeSpecHash, signOrder, verifyOrder } from './spec-hash.ts';
import { EMPTY_STATUS, equalStatus, statusPatch } from './status.ts';

const input: VideoJobInput = {
  orderId: 'abcdefgh2345',
  userId: 7,
  credits: 10,
  photo: 'photos/abc.jpg',
  template: 'ugc',
  generation: { provider: 'kie', model: 'grok-imagine-video-1-5-preview' },
  signingKey: 'key',
};

const stored = (manifest: ReturnType<typeof buildVideoJob>) => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    namespace: 'jobs',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
});

test('names and ids are legal and say which order they belong to', () => {
  const id = newOrderId();
  expect(isOrderId(id)).toBe(true);
  expect(childJobName(videoJobName(id), 'generate', 2)).toBe(`vj-${id}-gen-2`);
  expect(childJobName(videoJobName(id), 'deliver', 1)).toBe(`vj-${id}-dlv-1`);
});

test('a built VideoJob carries its finalizer, and its bytes are the same every time', () => {
  const bytes = serializeVideoJob(buildVideoJob(input));
  expect(serializeVideoJob(buildVideoJob(input))).toBe(bytes);
  expect(serializeVideoJob(parseVideoJobManifest(JSON.parse(bytes)))).toBe(bytes);
  expect(JSON.parse(bytes)).toMatchObject({ metadata: { finalizers: ['neurocards.io/settlement'] } });
});

test('the hash of what the server returns is the hash that was sold, with the fields in any order', () => {
  const manifest = buildVideoJob(input);
  const read = parseVideoJob(stored(manifest));
  expect(computeSpecHash(read.spec)).toBe(manifest.spec.order.specHash);
  expect(read.spec.ttlSecondsAfterFinished).toBe(86_400);
});

test('the hash of a known order never changes between releases', () => {
  expect(buildVideoJob(input).spec.order.specHash).toBe(
    'v1:fc9584eb63f045cd14573acb89b188ec70cb0dbafeb20a0c36ac8332bf660edd',
  );
});

test('every sold field is in the hash, and the mutable ones are not', () => {
  const { spec } = parseVideoJob(stored(buildVideoJob(input)));
  const hash = computeSpecHash(spec);
  expect(computeSpecHash({ ...spec, queueTimeoutSeconds: 1 })).not.toBe(hash);
  expect(computeSpecHash({ ...spec, order: { ...spec.order, credits: 1 } })).not.toBe(hash);
  expect(computeSpecHash({ ...spec, generation: { ...spec.generation, maxAttempts: 5 } })).not.toBe(hash);
  const mutable = { ...spec, cancel: true, suspend: true, ttlSecondsAfterFinished: 0 };
  expect(computeSpecHash(mutable)).toBe(hash);
});

test('a mac holds for its key, order and hash only', () => {
  const mac = signOrder('key', 'a', 'v1:x');
  expect(verifyOrder('key', 'a', 'v1:x', mac)).toBe(true);
  expect(verifyOrder('other', 'a', 'v1:x', mac)).toBe(false);
  expect(verifyOrder('key', 'b', 'v1:x', mac)).toBe(false);
  expect(verifyOrder('key', 'a', 'v1:x', 'short')).toBe(false);
});

test('a parse error names the fields and never repeats a value', () => {
  const manifest = stored(buildVideoJob(input));
  const broken = { ...manifest, spec: { ...manifest.spec, input: { photo: 'https://secret/?sig=1', template: 'ad' } } };
  const error = (() => {
    try {
      return parseVideoJob(broken);
    } catch (caught) {
      return caught;
    }
  })();
  expect(error).toBeInstanceOf(VideoJobParseError);
  expect(String(error)).toContain('spec.input.photo');
  expect(String(error)).not.toContain('secret');
});

test('a status patch turns one status into the other, and equal ones need none', () => {
  const status = fc.record(
    {
      attempts: fc.nat(3),
      activeJobName: fc.constantFrom('a', 'b'),
      settlement: fc.record({
        outcome: fc.constantFrom('captured' as const, 'released' as const),
        at: fc.constant('t'),
      }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(status, status, (from, to) => {
      const patch = statusPatch(from, to);
      expect(patch === undefined).toBe(equalStatus(from, to));
      expect(applyMergePatch(from, patch ?? {})).toEqual(to);
    }),
  );
  expect(statusPatch(EMPTY_STATUS, {})).toBeUndefined();
});

/** RFC 7386 as the API server does it. */
function applyMergePatch(from: object, patch: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...from };
  for (const [key, value] of Object.entries(patch) as [string, unknown][]) {
    const before = result[key];
    const nested = typeof value === 'object' && value !== null && typeof before === 'object' && before !== null;
    if (value === null) delete result[key];
    else result[key] = nested ? applyMergePatch(before, value) : value;
  }
  return result;
}
