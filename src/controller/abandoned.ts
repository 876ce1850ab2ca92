import { createHash } from 'node:crypto';
import { type AbandonedEnd, recordAbandoned, takeAbandoned } from '../generation/attempt.ts';
import { inspectVideo, maxVideoBytes } from '../generation/video-file.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../postgres/call.ts';
import type { VideoProvider } from '../provider/provider.ts';
import type { ObjectStorage } from '../storage/storage.ts';

export interface AbandonedTools {
  database: Database;
  provider: VideoProvider;
  storage: ObjectStorage;
  owner: string;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Follows tasks whose order was closed over them, for 24 hours: a late video is kept as evidence and counted as spend, and is
 * never shown, because its credits went back.
 */
export function followAbandoned(tools: AbandonedTools): () => Promise<void> {
  return async () => {
    for (const attempt of await takeAbandoned(tools.database, tools.owner, 5)) {
      const end = await look(attempt.orderId, attempt.taskId, tools).catch((error: unknown): AbandonedEnd => {
        // A file that cannot be had says nothing about the other tasks, and may be there at a later look.
        tools.log.warn({ err: error, order: attempt.orderId, task: attempt.taskId }, 'an abandoned task was not read');
        return { kind: 'running' };
      });
      await recordAbandoned(tools.database, attempt.attemptId, attempt.fence, end);
      if (end.kind !== 'running') {
        tools.log.warn({ order: attempt.orderId, task: attempt.taskId, end: end.kind }, 'an abandoned task has ended');
      }
    }
  };
}

async function look(
  orderId: string,
  taskId: string,
  { provider, storage, signal }: AbandonedTools,
): Promise<AbandonedEnd> {
  const seen = await provider.poll(taskId, AbortSignal.any([signal, AbortSignal.timeout(30_000)]));
  if (seen.kind === 'failed') return { kind: 'failed', failureClass: seen.failure };
  const url = seen.kind === 'succeeded' ? seen.urls[0] : undefined;
  if (url === undefined) return { kind: 'running' };
  const bytes = await provider.download(url, maxVideoBytes, AbortSignal.any([signal, AbortSignal.timeout(120_000)]));
  const facts = await inspectVideo(bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${orderId}/${sha256}`;
  await storage.put(key, bytes);
  return { kind: 'succeeded', video: { key, sha256, bytes: bytes.byteLength, ...facts } };
}
