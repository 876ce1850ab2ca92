import { connect, createServer, type Socket } from 'node:net';

/** A way to PostgreSQL that can break at a chosen moment. */
export type DatabaseProxy = {
  /** The same database by way of the proxy. */
  urlOf(url: string): string;
  /**
   * Lets the next call of this function through and cuts the connection instead of giving its answer, so that the caller
   * cannot know that it took effect. With `stayDown` the proxy is then closed until `up`.
   */
  loseReplyTo(functionName: string, options?: { stayDown?: boolean }): { lost: Promise<void> };
  /** The same for the next statement that has this text in it. */
  loseReplyToText(text: string): { lost: Promise<void> };
  /** Cuts every connection and refuses new ones. */
  down(): void;
  up(): void;
  /** Keeps every connection and takes new ones, and lets nothing through: PostgreSQL that does not answer. `up` cuts them. */
  hang(): void;
  close(): Promise<void>;
};

type Loss = { text: string; stayDown: boolean; done: () => void };

/** Listens on a free port of this machine and forwards to the server of `url`. */
export async function startDatabaseProxy(url: string): Promise<DatabaseProxy> {
  const target = new URL(url);
  const pairs = new Set<{ client: Socket; server: Socket }>();
  const held = new Set<Socket>();
  let isDown = false;
  let isHanging = false;
  let losses: Loss[] = [];

  const cut = (): void => {
    for (const client of held) client.destroy();
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };

  const listener = createServer((client) => {
    if (isDown) {
      client.destroy();
      return;
    }
    if (isHanging) {
      held.add(client);
      client.on('error', () => undefined);
      client.on('close', () => held.delete(client));
      return;
    }
    const server = connect(Number(target.port || 5432), target.hostname);
    const pair = { client, server };
    pairs.add(pair);
    let losing: Loss | undefined;
    client.on('data', (chunk: Buffer) => {
      if (isHanging) return;
      losing ??= losses.find(({ text }) => chunk.includes(text));
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (losing === undefined) {
        client.write(chunk);
        return;
      }
      // ReadyForQuery ends every answer: only then the server has committed.
      if (!(chunk.length >= 6 && chunk.at(-6) === 0x5a)) return;
      const { done, stayDown } = losing;
      losses = losses.filter((one) => one !== losing);
      if (stayDown) {
        isDown = true;
        cut();
      }
      client.destroy();
      server.destroy();
      done();
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const { port } = address;

  const lose = (text: string, stayDown: boolean): { lost: Promise<void> } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    losses.push({ text, stayDown, done: resolve });
    return { lost: promise };
  };

  return {
    urlOf(original) {
      const through = new URL(original);
      through.hostname = '127.0.0.1';
      through.port = String(port);
      return through.href;
    },
    loseReplyTo: (functionName, { stayDown = false } = {}) => lose(`select ${functionName}(`, stayDown),
    loseReplyToText: (text) => lose(text, false),
    down() {
      isDown = true;
      cut();
    },
    up() {
      isDown = false;
      if (isHanging) cut();
      isHanging = false;
    },
    hang() {
      isHanging = true;
    },
    async close() {
      isDown = true;
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
