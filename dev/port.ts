import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { DevEnvironmentError, errorCode } from './errors.ts';

/** Below the ports that Linux (32768) and macOS (49152) give to outgoing connections. */
const chosenFrom = { first: 20_000, end: 32_768 };
const tries = 100;

/**
 * A TCP port of 127.0.0.1 that nobody listens on now. It is none that the system gives to an outgoing connection, which could
 * otherwise take it before its user does, or while a server on it is away. Another chooser may still hit upon it.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < tries; tried += 1) {
    try {
      return await listenOnce(randomInt(chosenFrom.first, chosenFrom.end));
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw error;
    }
  }
  return listenOnce(0);
}

/**
 * Refuses a port that is in use.
 * @throws DevEnvironmentError `PortTaken` or `NoPermission`, naming the part that wanted the port.
 */
export async function requireFreePort(port: number, part: string): Promise<void> {
  try {
    await listenOnce(port);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE') throw portTaken(port, part, error);
    if (code === 'EACCES') {
      throw new DevEnvironmentError(
        'NoPermission',
        `${part} may not listen on port ${port} of 127.0.0.1 as this user: choose a port above 1023.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** The sentence for a port that somebody else holds. */
export function portTaken(port: number, part: string, cause?: unknown): DevEnvironmentError {
  return new DevEnvironmentError(
    'PortTaken',
    `${part} cannot listen on 127.0.0.1:${port} because another program does: stop that program ` +
      `(find it with: ss -ltnp 'sport = :${port}') or choose another port.`,
    { cause },
  );
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : port));
    });
  });
}
