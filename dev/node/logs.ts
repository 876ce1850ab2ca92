import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { Authority } from '../control-plane/certificates.ts';
import { waited } from './backoff.ts';
import type { NodeDirectory } from './directory.ts';
import { POD_IP } from './environment.ts';

/** The part of a kubelet's own API behind `kubectl logs`. */
export interface LogServer {
  port: number;
  close(): Promise<void>;
}

const FOLLOW_EVERY_MS = 200;

/**
 * Serves `/containerLogs/NAMESPACE/POD/CONTAINER` (`follow`, `tailLines`) over TLS on a free loopback port, to holders
 * of a client certificate of the cluster's authority only, which is what the API server shows to a kubelet.
 */
export async function serveLogs(
  directory: NodeDirectory,
  clientAuthority: Buffer | undefined,
  isRunning: (uid: string) => boolean,
): Promise<LogServer> {
  const authority = await Authority.open(join(directory.path, 'tls'), 'node-ca');
  const { certificate, key } = await authority.keep('node', { commonName: 'dev-node', addresses: [POD_IP] });
  const tls = { cert: readFileSync(certificate), key: readFileSync(key), ca: clientAuthority ?? [] };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    const url = new URL(request.url ?? '/', 'https://node');
    const isApiServer = commonNameOf(request.socket) === 'kube-apiserver-kubelet-client';
    const found = isApiServer ? findLog(directory, url.pathname) : undefined;
    if (!found) {
      response.writeHead(isApiServer ? 404 : 403).end();
      return;
    }
    const start = tailStart(found.file, url.searchParams.get('tailLines'));
    const follows = url.searchParams.get('follow') === 'true';
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    send(response, found.file, start, () => follows && isRunning(found.uid)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, POD_IP, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function commonNameOf(socket: unknown): string | undefined {
  const subject: unknown = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined;
  const named = z.object({ CN: z.string() }).safeParse(subject);
  return named.success ? named.data.CN : undefined;
}

/** The newest log of that name; names cannot lead out of the directory because they match whole entries of it. */
function findLog(directory: NodeDirectory, path: string): { file: string; uid: string } | undefined {
  const [, api, namespace, pod, container] = path.split('/').map(decodeURIComponent);
  if (api !== 'containerLogs' || !container || !/^[a-z0-9-]+$/.test(container)) return undefined;
  const prefix = `${namespace}_${pod}_`;
  const found = readdirSync(directory.logs)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ file: join(directory.logs, name, `${container}.log`), uid: name.slice(prefix.length) }))
    .flatMap((log) => {
      const at = statSync(log.file, { throwIfNoEntry: false })?.mtimeMs;
      return at === undefined ? [] : [{ ...log, at }];
    });
  return found.sort((a, b) => b.at - a.at)[0];
}

/** Where the last `lines` lines begin; the whole log when none is asked for. */
function tailStart(file: string, lines: string | null): number {
  if (lines === null || !/^\d+$/.test(lines)) return 0;
  const content = readFileSync(file);
  let start = content.length;
  for (let left = Number(lines); left > 0 && start > 0; left -= 1) {
    start = start === 1 ? 0 : content.lastIndexOf('\n', start - 2) + 1;
  }
  return start;
}

async function send(response: ServerResponse, file: string, start: number, goesOn: () => boolean): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  let position = start;
  for (let more = true; more && !closed.signal.aborted; ) {
    // Asked before reading: what is written up to the end is still sent.
    more = goesOn();
    const stream: AsyncIterable<Buffer> = createReadStream(file, { start: position });
    for await (const chunk of stream) {
      position += chunk.length;
      response.write(chunk);
    }
    if (more) await waited(FOLLOW_EVERY_MS, closed.signal);
  }
  response.end();
}
