import { z } from 'zod';
import { collectionPath, type KubeClient, parseObject } from './client.ts';
import { errorFromAnswer, KubeError } from './error.ts';
import type { KubeObject, Resource } from './resources.ts';

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly resourceVersion: string;
  /** The API server closes the watch after this time. */
  readonly timeoutSeconds: number;
  /** We do when nothing, not even a bookmark, came for this time: the connection may be dead without a word. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

const envelope = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string().optional() }).optional() }),
});

/**
 * One watch, from a resource version on. Ends when the API server closes it. Throws KubeError: what the server answered,
 * an ERROR event (410 as `Expired`), a dead connection, or an unreadable line; the signal's reason when it aborts.
 */
export async function* watch<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  { namespace, labelSelector, resourceVersion, timeoutSeconds, idleTimeoutMs, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const path = collectionPath(resource, namespace);
  const body = await client.transport.stream({
    path,
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      labelSelector,
      timeoutSeconds: String(timeoutSeconds),
    },
    signal,
    idleTimeoutMs,
  });
  for await (const line of lines(body)) {
    const event = readEvent(path, line);
    if (event.type === 'ERROR') {
      const code = Number(event.object['code'] ?? 500);
      throw errorFromAnswer(`The watch of ${path}`, code, event.object);
    }
    const version = event.object.metadata?.resourceVersion;
    if (version === undefined) throw unreadable(path);
    if (event.type === 'BOOKMARK') yield { type: event.type, resourceVersion: version };
    else yield { type: event.type, object: parseObject(resource, event.object), resourceVersion: version };
  }
}

function readEvent(path: string, line: string): z.output<typeof envelope> {
  try {
    return envelope.parse(JSON.parse(line));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause?: unknown): KubeError {
  return new KubeError({
    status: 0,
    reason: 'Unreadable',
    message: `The watch of ${path} sent a line that is not a watch event; it is listed again instead.`,
    cause,
  });
}

/** Splits a byte stream at line ends. Bytes, not strings, are joined, so that a split character stays whole. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  let rest: Uint8Array[] = [];
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      rest = [];
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  // A half line at the end is a cut connection: the event comes again, because we resume from before it.
}
