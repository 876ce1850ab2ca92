import { createHash, timingSafeEqual } from 'node:crypto';
import type { Handler } from '../http/route.ts';
import { updateSchema } from '../telegram/update.ts';
import { type Intake, store } from './intake.ts';

export const webhookPath = '/telegram/webhook';

/**
 * Takes updates that Telegram posts, and answers only after they were stored: otherwise Telegram posts them again. The answer of a
 * checkout goes out before ours, beside whatever other updates are waiting for.
 */
export function webhookRoute(secret: string, intake: Intake): Handler {
  const expected = digest(secret);
  return async ({ headers, body }) => {
    const given = headers['x-telegram-bot-api-secret-token'];
    // Digests have one length, which a comparison in constant time needs.
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) {
      return { status: 401, body: 'The secret token is missing or wrong.\n' };
    }
    const parsed = updateSchema.safeParse(parse(body.toString('utf8')));
    if (!parsed.success) {
      intake.log.error('an update has a shape that this release does not know; it is passed over');
      return { status: 200 };
    }
    const { pre_checkout_query: checkout } = parsed.data;
    if (checkout !== undefined) await intake.checkouts.answer(checkout);
    else for (const { cause } of await store([parsed.data], intake)) throw cause;
    return { status: 200 };
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
