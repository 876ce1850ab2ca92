import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Placed, placeOrders } from '../order/placement.ts';
import type { Database } from '../postgres/call.ts';
import { buildVideoJob, serializeVideoJob } from '../videojob/build.ts';
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
  /** The price that was shown. */
  price: number;
  repeats: string | null;
}

/**
 * Places one order for what was confirmed, in the caller's transaction, with the VideoJob's exact bytes.
 * `messageId` becomes its progress message.
 */
export function place(
  database: Database,
  { userId, language }: Pick<Context, 'userId' | 'language'>,
  confirmed: Confirmed,
  at: { chatId: number; messageId: number },
  offer: Offer,
): Promise<Placed> {
  const { nonce, price, photoKey, template, productText, wishes, repeats } = confirmed;
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
    orders: [{ orderId, videoJob: serializeVideoJob(manifest), specHash: manifest.spec.order.specHash }],
  });
}

/** Of what the person saw, not of our random ids: the same tap twice is the same request. */
function requestHash({ photoKey, template, productText, wishes, price }: Confirmed): string {
  const json = canonicalize({ photoKey, template, productText, wishes, price, count: 1 });
  return createHash('sha256')
    .update(json ?? '')
    .digest('hex');
}
