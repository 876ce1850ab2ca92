import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { EffectBoard, Maker } from './effect-board.ts';
import { Frames } from './postgres-frames.ts';

export interface PostgresGate {
  /** The same database by way of the gate. */
  urlOf(url: string): string;
  /** Cuts every connection and refuses new ones, until `up`. */
  down(): void;
  up(): void;
  close(): Promise<void>;
}

/**
 * Stands before PostgreSQL and understands the wire protocol (v3) so far that it knows which function is called, and at COMMIT which
 * ones the transaction called. A call is held as a whole, from its first message to Sync, and so is its answer, to ReadyForQuery.
 */
export async function openPostgresGate(board: EffectBoard, maker: Maker, port: () => number): Promise<PostgresGate> {
  const sockets = new Set<Socket>();
  let isDown = false;
  const listener = createServer((client) => {
    if (isDown) {
      client.destroy();
      return;
    }
    const server = connect(port(), '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    new Session(board, maker, client, server, port());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('a gate without a port');
  const own = address.port;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    urlOf(url) {
      const through = new URL(url);
      through.hostname = '127.0.0.1';
      through.port = String(own);
      return through.href;
    },
    down() {
      isDown = true;
      cut();
    },
    up() {
      isDown = false;
    },
    async close() {
      isDown = true;
      cut();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** One connection: calls one after the other, as our driver makes them. */
class Session {
  readonly #board: EffectBoard;
  readonly #maker: Maker;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #asked = new Frames(true);
  readonly #answered = new Frames(false);
  /** The call that is being put together. */
  #call: { bytes: Buffer[]; text: string; values: string } = { bytes: [], text: '', values: '' };
  #reply: Buffer[] = [];
  #awaited: { resolve: (reply: Buffer) => void; reject: (error: Error) => void } | undefined;
  /** Of the transaction under way: the functions it called and what it said to them. */
  #transaction: { functions: string[]; said: string; bytes: Buffer[] } | undefined;
  readonly #port: number;
  #greeting: Buffer[] = [];
  /** Calls wait for each other, whatever the board takes for one. */
  #queue: Promise<void> = Promise.resolve();

  constructor(board: EffectBoard, maker: Maker, client: Socket, server: Socket, port: number) {
    this.#port = port;
    this.#board = board;
    this.#maker = maker;
    this.#client = client;
    this.#server = server;
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    server.on('data', (chunk: Buffer) => this.#fromServer(chunk));
    client.on('close', () => server.destroy());
    server.on('close', () => {
      client.destroy();
      this.#awaited?.reject(new Error('the server has left'));
    });
  }

  #fromClient(chunk: Buffer): void {
    for (const { type, bytes, body } of this.#asked.take(chunk)) {
      // Before the first query there is only the greeting, and Terminate needs no answer.
      if (type === '' || type === 'p' || type === 'X') {
        if (type === '') this.#greeting.push(bytes);
        this.#server.write(bytes);
        continue;
      }
      this.#call.bytes.push(bytes);
      if (type === 'Q') this.#call.text += textOf(body);
      if (type === 'P') this.#call.text += textOf(body.subarray(body.indexOf(0) + 1));
      if (type === 'B') this.#call.values += body.toString('latin1');
      if (type === 'Q' || type === 'S') this.#begin();
    }
  }

  #begin(): void {
    const { bytes, text, values } = this.#call;
    this.#call = { bytes: [], text: '', values: '' };
    this.#queue = this.#queue
      .then(() => this.#pass(Buffer.concat(bytes), text.trim(), values))
      .catch(() => {
        this.#client.destroy();
        this.#server.destroy();
      });
  }

  async #pass(bytes: Buffer, text: string, values: string): Promise<void> {
    const operation = this.#operationOf(text, values);
    this.#transaction?.bytes.push(bytes);
    const whole = this.#transaction?.bytes ?? [bytes];
    const said = /^commit/i.test(text) ? (this.#transaction?.said ?? '') : values;
    if (/^(commit|rollback)/i.test(text)) this.#transaction = undefined;
    if (operation === undefined) {
      await this.#exchange(bytes);
      return this.#hand();
    }
    const ends = { localPort: this.#client.localPort ?? 0, remotePort: this.#client.remotePort ?? 0 };
    const origin = { ends, again: () => repeat(this.#port, Buffer.concat(this.#greeting), whole) };
    const effect = this.#board.begin({ boundary: 'postgres', maker: this.#maker, operation, request: said });
    const before = await this.#board.ask(effect, 'before', origin);
    if (before.kind !== 'pass' || this.#client.destroyed) return this.#cut();
    const reply = await this.#exchange(bytes);
    const after = await this.#board.ask(effect, 'after', origin, reply.toString('latin1'));
    if (after.kind !== 'pass') return this.#cut();
    this.#hand();
  }

  /** What the call is named; undefined for what is no effect by itself. */
  #operationOf(text: string, values: string): string | undefined {
    const called = /^select ((?:ledger|bot)\.\w+)\(/i.exec(text)?.[1] ?? statementOf(text);
    if (/^begin/i.test(text)) this.#transaction = { functions: [], said: '', bytes: [] };
    else if (/^commit/i.test(text)) {
      const functions = this.#transaction?.functions ?? [];
      return functions.length === 0 ? undefined : `commit ${functions.join(' ')}`;
    } else if (this.#transaction !== undefined) {
      if (called !== undefined && !this.#transaction.functions.includes(called))
        this.#transaction.functions.push(called);
      this.#transaction.said += `${values}\n`;
      return undefined;
    }
    return called;
  }

  #exchange(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#awaited = { resolve, reject };
      this.#server.write(bytes);
    });
  }

  #fromServer(chunk: Buffer): void {
    const isOver = this.#answered.take(chunk).some(({ type }) => type === 'Z');
    if (this.#awaited === undefined) {
      this.#client.write(chunk);
      return;
    }
    this.#reply.push(chunk);
    if (!isOver) return;
    const { resolve } = this.#awaited;
    this.#awaited = undefined;
    resolve(Buffer.concat(this.#reply));
  }

  #hand(): void {
    const reply = Buffer.concat(this.#reply);
    this.#reply = [];
    this.#client.write(reply);
  }

  #cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** Says the same once more on a connection of its own: a copy that was long on its way. Answers the last reply. */
async function repeat(port: number, greeting: Buffer, calls: readonly Buffer[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const frames = new Frames(false);
  let awaited = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (!frames.take(chunk).some(({ type }) => type === 'Z')) return;
    awaited.resolve(text);
  });
  const fail = (): void => awaited.reject(new Error('the copy was not answered'));
  socket.once('error', fail).once('close', fail);
  try {
    let reply = '';
    for (const bytes of [greeting, ...calls]) {
      awaited = Promise.withResolvers<string>();
      text = '';
      socket.write(bytes);
      reply = await awaited.promise;
    }
    return reply;
  } finally {
    socket.off('close', fail);
    socket.destroy();
  }
}

/** `insert bot.inbox` for a statement of our own; undefined for one that only reads or looks after its lease. */
function statementOf(text: string): string | undefined {
  const found = /\b(insert into|update|delete from)\s+((?:bot|ledger)\.\w+)/i.exec(text);
  if (found === null) return undefined;
  return `${found[1]?.toLowerCase().split(' ')[0]} ${found[2]}`;
}

function textOf(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('latin1', 0, end === -1 ? body.length : end);
}
