import { z } from 'zod';
import { type Api, ApiError } from './api.ts';
import { Backoff, waited } from './backoff.ts';

const Identity = z.looseObject({ metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }) });

const List = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});

const WatchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: Identity }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('ERROR'), object: z.looseObject({ code: z.number(), message: z.string().optional() }) }),
]);

/** What is told of a collection. Handlers must not throw. */
export interface WatchHandlers {
  /** An object as it is now: on every list, addition and change. */
  onObject(object: unknown): void;
  /** An object that matches the selector no longer; told once for each UID. */
  onGone(uid: string): void;
  /** The first whole list has been told. */
  onSynced(): void;
  onTrouble(message: string): void;
}

/**
 * Follows a collection until `signal` ends it: list, then watch from there, resumed from the last resource version
 * after every break and listed again only when the server has forgotten that version (410). Survives an API server
 * that is away for any time; never rejects.
 */
export async function follow(
  api: Api,
  collection: { path: string; query: Record<string, string> },
  handlers: WatchHandlers,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set<string>();
  const backoff = new Backoff(50, 2_000);
  let version: string | undefined;
  let synced = false;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        version = await listAll(api, collection, known, handlers, signal);
        if (!synced) handlers.onSynced();
        synced = true;
      }
      for await (const line of api.watch(watchPath(collection, version), signal)) {
        backoff.reset();
        version = take(WatchEvent.parse(line), known, handlers);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.reason === 'Gone') version = undefined;
      handlers.onTrouble(error instanceof Error ? error.message : String(error));
    }
    await waited(backoff.next(), signal);
  }
}

async function listAll(
  api: Api,
  { path, query }: { path: string; query: Record<string, string> },
  known: Set<string>,
  handlers: WatchHandlers,
  signal: AbortSignal,
): Promise<string> {
  const present = new Map<string, unknown>();
  let next: string | undefined;
  let version: string;
  do {
    const parameters = new URLSearchParams({ ...query, limit: '500', ...(next && { continue: next }) });
    const page = List.parse(await api.call('GET', `${path}?${parameters}`, { signal }));
    for (const item of page.items) present.set(Identity.parse(item).metadata.uid, item);
    version = page.metadata.resourceVersion;
    next = page.metadata.continue;
  } while (next);
  for (const uid of [...known].filter((uid) => !present.has(uid))) {
    known.delete(uid);
    handlers.onGone(uid);
  }
  for (const [uid, item] of present) {
    known.add(uid);
    handlers.onObject(item);
  }
  return version;
}

function watchPath({ path, query }: { path: string; query: Record<string, string> }, version: string): string {
  // Watches of different lengths, so that they do not all come back in the same moment.
  const timeoutSeconds = String(300 + Math.floor(Math.random() * 300));
  const fixed = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: version, timeoutSeconds };
  return `${path}?${new URLSearchParams({ ...query, ...fixed })}`;
}

function take(event: z.infer<typeof WatchEvent>, known: Set<string>, handlers: WatchHandlers): string {
  switch (event.type) {
    case 'ERROR': {
      const { code, message } = event.object;
      const reason = code === 410 ? 'Gone' : 'Overloaded';
      throw new ApiError(reason, message ?? `the watch ended with code ${code}`, { status: code });
    }
    case 'DELETED':
      if (known.delete(event.object.metadata.uid)) handlers.onGone(event.object.metadata.uid);
      break;
    case 'ADDED':
    case 'MODIFIED':
      known.add(event.object.metadata.uid);
      handlers.onObject(event.object);
      break;
    case 'BOOKMARK':
      break;
  }
  return event.object.metadata.resourceVersion;
}
