import { adoptCallback } from '../generation/attempt.ts';
import { callbackPath, type Hint, refuseHint, takeHints } from '../generation/hint.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import type { VideoProvider } from '../provider/provider.ts';

export interface HintTools {
  database: Database;
  provider: Pick<VideoProvider, 'echoesCallback'>;
  /** The bot's public address, as the runners name it to the provider. */
  publicUrl: string;
  log: Logger;
  signal: AbortSignal;
}

const batch = 10;
const lookMs = 30_000;

/**
 * Proves what callbacks said: a task is taken for a submit only when the provider's own record of it names that submit's secret
 * address. So nobody can put another task, and another person's video, into an order; and a task whose answer was lost is found again.
 */
export function checkHints(tools: HintTools): () => Promise<void> {
  return async () => {
    const hints = await takeHints(tools.database, batch);
    await Promise.all(hints.map((hint) => check(hint, tools)));
  };
}

async function check(hint: Hint, { database, provider, publicUrl, log, signal }: HintTools): Promise<void> {
  const address = `${publicUrl}${callbackPath}/${hint.nonce}`;
  const echo = await provider.echoesCallback(
    hint.taskId,
    address,
    AbortSignal.any([signal, AbortSignal.timeout(lookMs)]),
  );
  switch (echo) {
    case 'yes': {
      const { state } = await adoptCallback(database, hint.nonce, hint.taskId);
      log.info({ task: hint.taskId, attempt: state }, 'a callback named the task of a submit');
      return;
    }
    case 'no':
      log.warn({ task: hint.taskId }, 'a callback named a task that is not of its submit; it was refused');
      return refuseHint(database, hint);
    case 'unknown':
      // No record (yet): it is due again later.
      return;
  }
}
