import { z } from 'zod';
import { noteCallback } from '../generation/hint.ts';
import type { Handler } from '../http/route.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';

const nonce = z.string().regex(/^[A-Za-z0-9_-]{8,128}$/);
/** The body has the shape of the provider's record; only the task's id is read, and nothing of it is believed without a look of our own. */
const body = z.object({ data: z.object({ taskId: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/) }) });

/**
 * `POST /kie/callback/<nonce>`: a hint that the submit with this nonce became this task. It is only noted: the bot has no key of the
 * provider to prove it with, the controller has.
 */
export function callbackRoute(database: Database, log: Logger): Handler {
  return async ({ params, body: bytes }) => {
    const secret = nonce.safeParse(params['nonce']);
    const said = body.safeParse(parse(bytes.toString('utf8')));
    if (!secret.success || !said.success) return { status: 400, body: 'This is not a callback of a task.\n' };
    await noteCallback(database, secret.data, said.data.data.taskId);
    log.debug('a callback was noted');
    // The same words for a nonce we do not know: nobody learns from us which exist.
    return { status: 200, body: 'Noted.\n' };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
