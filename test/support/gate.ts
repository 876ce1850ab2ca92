import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Gate {
  /** The address to give to whoever shall go through it. */
  readonly url: string;
  /** Where it leads, once that is known. */
  lead(url: string): void;
  /** Holds every createTask whose body has this mark: not one byte of it goes on. `onHeld` is told of each. */
  hold(mark: string, onHeld: () => void): void;
  close(): Promise<void>;
}

const createTask = 'POST /api/v1/jobs/createTask ';

/**
 * Stands between a runner and the provider, so that a process can die after its decision to send and before anything arrives.
 * Our client opens one connection for each call, so a connection is one request.
 */
export async function openGate(): Promise<Gate> {
  let target: URL | undefined;
  const held = new Map<string, () => void>();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    track(client, sockets);
    let begun = '';
    const read = (chunk: Buffer): void => {
      begun += chunk.toString('latin1');
      if (createTask.startsWith(begun.slice(0, createTask.length)) && !isWhole(begun)) return;
      client.off('data', read);
      const mark = begun.startsWith(createTask) ? [...held.keys()].find((one) => begun.includes(one)) : undefined;
      if (mark !== undefined) held.get(mark)?.();
      else pass(client, begun, target, sockets);
    };
    client.on('data', read);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a gate without a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    lead: (url) => {
      target = new URL(url);
    },
    hold: (mark, onHeld) => void held.set(mark, onHeld),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Headers and as much body as they announce. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
  return text.length - end - 4 >= length;
}

function pass(client: Socket, begun: string, target: URL | undefined, sockets: Set<Socket>): void {
  if (target === undefined) {
    client.destroy();
    return;
  }
  const provider = connect(Number(target.port), target.hostname);
  track(provider, sockets);
  provider.write(begun, 'latin1');
  client.pipe(provider).pipe(client);
  // A side that dies takes the other with it, as on a direct connection.
  client.on('close', () => provider.destroy());
  provider.on('close', () => client.destroy());
}

function track(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}
