import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Placed, type Placement, placeOrders } from '../order/placement.ts';
import type { Database } from '../postgres/call.ts';
import { buildVideoJob, serializeVideoJob } from '../videojob/build.ts';
import type { OrderCount } from '../videojob/order-count.ts';
import { newOrderId } from '../videojob/order-id.ts';
import type { Offer } from './config.ts';
import type { Context } from './step.ts';

/** What a person confirmed. */
export interface Confirmed {
  nonce: string;
  photoKey: string;
  productText: string;
  template: 'ugc' | 'ad' | 'self';
  wishes: string | null;
  /** The price of one video that was shown. */
  price: number;
  count: OrderCount;
  repeats: string | null;
}

/**
 * Places the orders that were confirmed, all or none, in the caller's transaction, each with its VideoJob's exact bytes.
 * `messageId` becomes the first one's progress message; the others get theirs with their first notice.
 */
export function place(
  database: Database,
  { userId, language }: Pick<Context, 'userId' | 'language'>,
  confirmed: Confirmed,
  at: { chatId: number; messageId: number },
  offer: Offer,
): Promise<Placed> {
  const { nonce, price, photoKey, template, productText, wishes, repeats, count } = confirmed;
  return placeOrders(database, {
    userId,
    nonce,
    unitPrice: price,
    requestHash: requestHash(confirmed),
    ...at,
    language,
    template,
    productText,
    wishes,
    photoKey,
    repeats,
    orders: Array.from({ length: count }, () => orderOf(confirmed, userId, offer)),
  });
}

function orderOf({ price, photoKey, template }: Confirmed, userId: number, offer: Offer): Placement['orders'][number] {
  const orderId = newOrderId();
  const { provider, model, seconds, aspectRatio, audio, mode, maxAttempts, timeoutSeconds } = offer;
  const manifest = buildVideoJob({
    orderId,
    userId,
    credits: price,
    photo: photoKey,
    template,
    generation: { provider, model, seconds, aspectRatio, audio, mode, maxAttempts, timeoutSeconds },
    delivery: offer.delivery,
    activeDeadlineSeconds: offer.activeDeadlineSeconds,
    queueTimeoutSeconds: offer.queueTimeoutSeconds,
    signingKey: offer.signingKey,
  });
  return { orderId, videoJob: serializeVideoJob(manifest), specHash: manifest.spec.order.specHash };
}

/** Of what the person saw, not of our random ids: the same tap twice is the same request. */
function requestHash({ photoKey, template, productText, wishes, price, count }: Confirmed): string {
  const json = canonicalize({ photoKey, template, productText, wishes, price, count });
  return createHash('sha256')
    .update(json ?? '')
    .digest('hex');
}
