import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { VideoJobSpec } from './schema.ts';

/** The part of a spec that was sold: what the hash covers. Mutable fields, the hash and the mac are outside. */
export type HashedSpec = Pick<
  VideoJobSpec,
  'input' | 'generation' | 'delivery' | 'activeDeadlineSeconds' | 'queueTimeoutSeconds'
> & { order: Pick<VideoJobSpec['order'], 'id' | 'userId' | 'credits'> };

/**
 * `v1:` + SHA-256 (hex) of the RFC 8785 JSON of the listed fields. The list is spelled out, so that a field added to the
 * schema changes no stored hash until a `v2` says so.
 */
export function computeSpecHash(spec: HashedSpec): string {
  const { order, input, generation, delivery } = spec;
  const sold = {
    order: { id: order.id, userId: order.userId, credits: order.credits },
    input: { photo: input.photo, template: input.template },
    generation: {
      provider: generation.provider,
      model: generation.model,
      seconds: generation.seconds,
      aspectRatio: generation.aspectRatio,
      audio: generation.audio,
      mode: generation.mode,
      maxAttempts: generation.maxAttempts,
      timeoutSeconds: generation.timeoutSeconds,
    },
    delivery: {
      minExecutions: delivery.minExecutions,
      timeoutSeconds: delivery.timeoutSeconds,
      deadlineSeconds: delivery.deadlineSeconds,
    },
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    queueTimeoutSeconds: spec.queueTimeoutSeconds,
  };
  const json = canonicalize(sold);
  if (json === undefined) throw new TypeError('A spec of undefined values has no canonical JSON; parse it first.');
  return `v1:${createHash('sha256').update(json).digest('hex')}`;
}

/** HMAC-SHA256 (hex) over order and hash: proves after a restore that the bot sold exactly this. */
export function signOrder(key: string, orderId: string, specHash: string): string {
  return createHmac('sha256', key).update(`${orderId}\n${specHash}`).digest('hex');
}

/** Compares in constant time; false for a mac of any other shape. */
export function verifyOrder(key: string, orderId: string, specHash: string, mac: string): boolean {
  const expected = Buffer.from(signOrder(key, orderId, specHash));
  const given = Buffer.from(mac);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
