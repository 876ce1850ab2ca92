import type { Logger } from '../log/logger.ts';
import { isConflict } from './error.ts';
import type { WorkQueue } from './queue.ts';

/** What a pass over one key asks for: a later look, or nothing. A throw means: try again with the key's back-off. */
export interface PassResult {
  /** Milliseconds until the next look. */
  readonly requeueAfterMs?: number | undefined;
}

export interface WorkersOptions {
  readonly queue: WorkQueue;
  readonly count: number;
  readonly pass: (key: string) => Promise<PassResult | undefined>;
  readonly log: Logger;
  /** For counting; a conflict is no error, somebody was faster. */
  readonly onResult?: ((result: 'ok' | 'conflict' | 'error', seconds: number) => void) | undefined;
}

/** Runs workers until the queue is shut down. Resolves when all have ended; a failing pass ends no worker. */
export async function runWorkers({ queue, count, pass, log, onResult }: WorkersOptions): Promise<void> {
  async function work(): Promise<void> {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      const start = performance.now();
      const seconds = () => (performance.now() - start) / 1_000;
      try {
        const result = await pass(key);
        queue.forget(key);
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
        onResult?.('ok', seconds());
      } catch (error) {
        const conflict = isConflict(error);
        if (!conflict) log.error({ err: error, key, retries: queue.retries(key) }, 'Pass failed; it is repeated');
        queue.addRateLimited(key);
        onResult?.(conflict ? 'conflict' : 'error', seconds());
      } finally {
        queue.done(key);
      }
    }
  }
  await Promise.all(Array.from({ length: count }, work));
}
