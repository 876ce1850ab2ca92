import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Store } from './store.ts';
import { seenMessage } from './views.ts';

export type PageEvent =
  | { readonly type: 'message'; readonly chat: number; readonly message: ReturnType<typeof seenMessage> }
  | { readonly type: 'chat'; readonly chat: number; readonly blocked: boolean }
  | { readonly type: 'action'; readonly chat: number; readonly action: string }
  | { readonly type: 'profile' };

/** Server-sent events for the chat page: what changed, in the moment it was written. */
export class Events {
  readonly #open = new Set<ServerResponse>();

  constructor(store: Store) {
    store.onCommit((records) => {
      for (const each of records) {
        if (each.t === 'message') {
          this.send({ type: 'message', chat: each.message.chat, message: seenMessage(store, each.message) });
        } else if (each.t === 'chat') this.send({ type: 'chat', chat: each.chat.id, blocked: each.chat.blocked });
        else if (each.t === 'profile') this.send({ type: 'profile' });
      }
    });
  }

  send(event: PageEvent): void {
    for (const response of this.#open) response.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** Keeps the connection open and writes every event to it. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('retry: 1000\n\n');
    this.#open.add(response);
    const beat = setInterval(() => response.write(': still here\n\n'), 15_000);
    request.on('close', () => {
      clearInterval(beat);
      this.#open.delete(response);
    });
  }
}
