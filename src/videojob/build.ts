import { API_VERSION, KIND, ORDER_LABEL, SETTLEMENT_FINALIZER, videoJobName } from './names.ts';
import { parseVideoJobManifest } from './parse.ts';
import type { VideoJobManifest, VideoJobSpec } from './schema.ts';
import { computeSpecHash, type HashedSpec, signOrder } from './spec-hash.ts';

/** What a new order says; everything else has the defaults below. */
export interface VideoJobInput {
  readonly orderId: string;
  /** The ledger's number of the person, never a Telegram id. */
  readonly userId: number;
  readonly credits: number;
  /** Storage key of the photo. */
  readonly photo: string;
  readonly template: VideoJobSpec['input']['template'];
  readonly generation: Pick<VideoJobSpec['generation'], 'provider' | 'model'> & Partial<VideoJobSpec['generation']>;
  readonly delivery?: Partial<VideoJobSpec['delivery']>;
  readonly activeDeadlineSeconds?: number;
  readonly queueTimeoutSeconds?: number;
  /** Key of the mac; the same for all replicas of the bot. */
  readonly signingKey: string;
}

/** The clocks and counts an order has unless it says otherwise. */
export const SPEC_DEFAULTS = {
  generation: {
    seconds: 15,
    aspectRatio: '9:16',
    audio: true,
    mode: 'Auto',
    maxAttempts: 3,
    timeoutSeconds: 600,
  },
  delivery: { minExecutions: 3, timeoutSeconds: 180, deadlineSeconds: 900 },
  activeDeadlineSeconds: 1800,
  queueTimeoutSeconds: 3600,
} as const satisfies Partial<VideoJobSpec> | { generation: Partial<VideoJobSpec['generation']> };

/**
 * The VideoJob of an order, with its finalizer already in the metadata: an object that could vanish unsettled must never
 * exist. It names no namespace, because the address it is posted to decides. Throws VideoJobParseError on a bad input.
 */
export function buildVideoJob(input: VideoJobInput): VideoJobManifest {
  const sold: HashedSpec = {
    order: { id: input.orderId, userId: input.userId, credits: input.credits },
    input: { photo: input.photo, template: input.template },
    generation: { ...SPEC_DEFAULTS.generation, ...input.generation },
    delivery: { ...SPEC_DEFAULTS.delivery, ...input.delivery },
    activeDeadlineSeconds: input.activeDeadlineSeconds ?? SPEC_DEFAULTS.activeDeadlineSeconds,
    queueTimeoutSeconds: input.queueTimeoutSeconds ?? SPEC_DEFAULTS.queueTimeoutSeconds,
  };
  const specHash = computeSpecHash(sold);
  return parseVideoJobManifest({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      name: videoJobName(input.orderId),
      labels: { [ORDER_LABEL]: input.orderId },
      finalizers: [SETTLEMENT_FINALIZER],
    },
    spec: { ...sold, order: { ...sold.order, specHash, mac: signOrder(input.signingKey, input.orderId, specHash) } },
  });
}

/** The exact bytes the order row stores and the relay posts, again and again the same. */
export function serializeVideoJob(manifest: VideoJobManifest): string {
  return JSON.stringify(manifest);
}
