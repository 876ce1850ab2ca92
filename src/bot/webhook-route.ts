import { createHash, timingSafeEqual } from 'node:crypto';
import type { Handler } from '../http/route.ts';
import type { Logger } from '../log/logger.ts';
import type { Update } from '../telegram/update.ts';
import { updateSchema } from '../telegram/update.ts';

export const webhookPath = '/telegram/webhook';

/** Takes updates that Telegram posts, and answers only after they were stored: otherwise Telegram posts them again. */
export function webhookRoute(secret: string, takeIn: (updates: Update[]) => Promise<void>, log: Logger): Handler {
  const expected = digest(secret);
  return async ({ headers, body }) => {
    const given = headers['x-telegram-bot-api-secret-token'];
    // Digests have one length, which a comparison in constant time needs.
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) {
      return { status: 401, body: 'The secret token is missing or wrong.\n' };
    }
    const parsed = updateSchema.safeParse(parse(body.toString('utf8')));
    if (!parsed.success) {
      log.error('an update has a shape that this release does not know; it is passed over');
      return { status: 200 };
    }
    await takeIn([parsed.data]);
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
