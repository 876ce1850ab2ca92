import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP connection to a server of this machine that can be held: nothing passes, and nobody is told. */
export interface HeldLink {
  readonly port: number;
  hold(): void;
  /** Everything that was held goes on its way. */
  release(): void;
  close(): Promise<void>;
}

export async function openHeldLink(target: number): Promise<HeldLink> {
  const sockets = new Set<Socket>();
  let isHeld = false;
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.on('data', (chunk: Buffer) => void other.write(chunk));
    if (isHeld) socket.pause();
  };
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    keep(client, server);
    keep(server, client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('a link without a port');
  return {
    port: address.port,
    hold() {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      isHeld = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
